//! Rows of numbers in a row: TEXMEX' .fvecs, .bvecs, .ivecs, where each row says how long it is,
//! and the big-ann benchmarks' .fbin, .u8bin, .i8bin, where the file does.

use super::{fill, Iter, Row};
use anyhow::{bail, ensure, Context, Result};
use std::io::BufRead;

/// How numbers lie there.
#[derive(Clone, Copy)]
pub struct Number {
    size: usize,
    read: fn(&[u8]) -> f64,
}

pub const F32: Number = Number {
    size: 4,
    read: |bytes| f64::from(f32::from_le_bytes(bytes.try_into().expect("4 bytes"))),
};
pub const I32: Number = Number {
    size: 4,
    read: |bytes| f64::from(i32::from_le_bytes(bytes.try_into().expect("4 bytes"))),
};
pub const U8: Number = Number {
    size: 1,
    read: |bytes| f64::from(bytes[0]),
};
pub const I8: Number = Number {
    size: 1,
    read: |bytes| f64::from(bytes[0] as i8),
};

pub const F16: Number = Number {
    size: 2,
    read: |bytes| {
        f64::from(npyz::half::f16::from_le_bytes(
            bytes.try_into().expect("2 bytes"),
        ))
    },
};

/// Longer than any vector that an index holds, and short enough to be read.
const MOST: u32 = 1 << 20;

fn row(bytes: &[u8], number: Number) -> Row {
    Row {
        vector: bytes.chunks(number.size).map(number.read).collect(),
        name: None,
    }
}

/// Rows that begin with their lengths.
pub fn vecs(
    mut from: Box<dyn BufRead>,
    len: Option<u64>,
    number: Number,
) -> Result<(Iter, Option<u64>)> {
    let first = from.fill_buf()?;
    let n = match (first.get(..4), len) {
        (Some(bytes), Some(len)) => {
            let f = u32::from_le_bytes(bytes.try_into().expect("4 bytes"));
            Some(len / (4 + u64::from(f) * number.size as u64))
        }
        _ => None,
    };
    let mut buffer = Vec::new();
    let mut next = move || -> Result<Option<Row>> {
        let mut head = [0; 4];
        if !fill(&mut from, &mut head)? {
            return Ok(None);
        }
        let f = u32::from_le_bytes(head);
        ensure!(
            f <= MOST,
            "it says that it holds {f} numbers, expected {MOST} at the most"
        );
        buffer.resize(f as usize * number.size, 0);
        if f > 0 && !fill(&mut from, &mut buffer)? {
            bail!("the file ends behind the length of a row");
        }
        Ok(Some(row(&buffer, number)))
    };
    Ok((Box::new(std::iter::from_fn(move || next().transpose())), n))
}

/// Rows behind their number and their length.
pub fn bin(
    mut from: Box<dyn BufRead>,
    len: Option<u64>,
    number: Number,
) -> Result<(Iter, Option<u64>)> {
    let mut head = [0; 8];
    ensure!(
        fill(&mut from, &mut head).context("its head")?,
        "it is empty"
    );
    let [n, f] = [0, 4].map(|at| u32::from_le_bytes(head[at..at + 4].try_into().expect("4 bytes")));
    ensure!(
        f <= MOST,
        "it says that its rows hold {f} numbers, expected {MOST} at the most"
    );
    let expected = 8 + u64::from(n) * u64::from(f) * number.size as u64;
    if let Some(len) = len {
        ensure!(
            len == expected,
            "it has {len} bytes, expected {expected} for {n} rows of {f} numbers"
        );
    }
    let mut buffer = vec![0; f as usize * number.size];
    let rows = (0..n).map(move |_| {
        ensure!(
            buffer.is_empty() || fill(&mut from, &mut buffer)?,
            "the file ends before it, expected {n} rows"
        );
        Ok(row(&buffer, number))
    });
    Ok((Box::new(rows), Some(u64::from(n))))
}

/// Rows of so many numbers, and nothing else.
pub fn raw(
    mut from: Box<dyn BufRead>,
    len: Option<u64>,
    number: Number,
    width: Option<usize>,
) -> Result<(Iter, Option<u64>)> {
    let Some(width) = width.filter(|width| (1..=MOST as usize).contains(width)) else {
        bail!("--width says how many numbers a row has, from 1 to {MOST}");
    };
    let mut buffer = vec![0; width * number.size];
    let size = buffer.len() as u64;
    if let Some(len) = len {
        ensure!(
            len % size == 0,
            "it has {len} bytes, expected a multiple of {size} for rows of {width} numbers"
        );
    }
    let mut next = move || Ok(fill(&mut from, &mut buffer)?.then(|| row(&buffer, number)));
    let rows = std::iter::from_fn(move || next().transpose());
    Ok((Box::new(rows), len.map(|len| len / size)))
}
