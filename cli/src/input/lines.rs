//! A row a line: CSV and TSV, words and their numbers, JSON.

use super::{Iter, Name, Row};
use anyhow::{bail, ensure, Context, Result};
use std::io::BufRead;

fn number(text: &str) -> Result<f64> {
    let text = text.trim();
    text.parse()
        .ok()
        .with_context(|| format!("{text:?} is no number"))
}

/// With a header, if the first line has a field that is no number; not counting that of the labels.
pub fn csv(
    from: Box<dyn BufRead>,
    delimiter: u8,
    labels: Option<&str>,
) -> Result<(Iter, Option<u64>)> {
    let mut records = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        // Of how many fields is said together with the row.
        .flexible(true)
        .from_reader(from)
        .into_records();
    let Some(first) = records.next().transpose()? else {
        return Ok((Box::new(std::iter::empty()), Some(0)));
    };
    let position = |name: &str| {
        let by_name = first.iter().position(|field| field.trim() == name);
        by_name.or_else(|| name.parse().ok().filter(|&at: &usize| at < first.len()))
    };
    let column = match labels {
        None => None,
        Some(name) => Some(position(name).with_context(|| {
            let fields: Vec<&str> = first.iter().collect();
            format!("it has no column {name:?}: its first line is {fields:?}")
        })?),
    };
    let of_numbers = |(at, field): (usize, &str)| Some(at) == column || number(field).is_ok();
    let has_header = !first.iter().enumerate().all(of_numbers);
    let row = move |record: &csv::StringRecord| -> Result<Row> {
        let mut vector = Vec::with_capacity(record.len());
        let mut name = None;
        for (at, field) in record.iter().enumerate() {
            match Some(at) == column {
                true => name = Some(Name::Text(field.to_owned())),
                false => vector.push(number(field).with_context(|| format!("field {at}"))?),
            }
        }
        ensure!(column.is_none() || name.is_some(), "it has no label");
        Ok(Row { vector, name })
    };
    let begins = (!has_header).then_some(Ok(first));
    let rows = begins.into_iter().chain(records);
    Ok((Box::new(rows.map(move |record| row(&record?))), None))
}

/// A word, then its numbers, as GloVe, word2vec and fastText write them; the last two begin with a
/// line of the number of words and of numbers.
pub fn words(from: Box<dyn BufRead>) -> Iter {
    let mut lines = from.lines().enumerate();
    let rows = std::iter::from_fn(move || loop {
        let (at, line) = lines.next()?;
        let line = match line {
            Ok(line) => line,
            Err(error) => return Some(Err(error.into())),
        };
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let is_head =
            at == 0 && fields.len() == 2 && fields.iter().all(|field| field.parse::<u64>().is_ok());
        if is_head || fields.is_empty() {
            continue;
        }
        return Some(of_word(&line));
    });
    Box::new(rows)
}

fn of_word(line: &str) -> Result<Row> {
    let line = line.trim_end();
    let (word, rest) = line
        .split_once([' ', '\t'])
        .with_context(|| format!("{line:?} is no word with numbers"))?;
    let vector: Result<Vec<f64>> = rest.split_ascii_whitespace().map(number).collect();
    Ok(Row {
        vector: vector.with_context(|| format!("of the word {word:?}"))?,
        name: Some(Name::Text(word.to_owned())),
    })
}

/// Objects with a list of numbers, by default the only one; or the list alone.
pub fn json(from: Box<dyn BufRead>, column: Option<&str>, labels: Option<&str>) -> Iter {
    let (column, labels) = (column.map(str::to_owned), labels.map(str::to_owned));
    let rows = from
        .lines()
        .filter(|line| !matches!(line, Ok(line) if line.trim().is_empty()))
        .map(move |line| of_json(&line?, column.as_deref(), labels.as_deref()));
    Box::new(rows)
}

fn of_json(line: &str, column: Option<&str>, labels: Option<&str>) -> Result<Row> {
    use serde_json::Value;
    let value: Value = serde_json::from_str(line)?;
    let list = match (&value, column) {
        (Value::Array(list), None) => list,
        (Value::Object(fields), Some(name)) => fields
            .get(name)
            .and_then(Value::as_array)
            .with_context(|| format!("it has no list {name:?}"))?,
        (Value::Object(fields), None) => {
            let lists = fields.iter().filter(|(_, field)| field.is_array());
            let names: Vec<&String> = lists.map(|(name, _)| name).collect();
            match names[..] {
                [name] => fields[name].as_array().expect("it is one"),
                [] => bail!("it has no list of numbers"),
                _ => bail!("it has several lists, {names:?}: --column names one"),
            }
        }
        _ => bail!("it is no list, and no object with one"),
    };
    let vector = list.iter().enumerate().map(|(at, value)| {
        let number = value.as_f64();
        number.with_context(|| format!("{value} in place {at} is no number"))
    });
    let name = match labels {
        None => None,
        Some(field) => Some(match value.get(field) {
            Some(Value::String(text)) => Name::Text(text.clone()),
            Some(Value::Number(number)) => Name::Number(
                number
                    .as_u64()
                    .with_context(|| format!("the label {number} is no number from 0"))?,
            ),
            Some(other) => bail!("the label {other} is neither a string nor a number"),
            None => bail!("it has no label {field:?}"),
        }),
    };
    Ok(Row {
        vector: vector.collect::<Result<_>>()?,
        name,
    })
}
