//! NumPy's files: .npy, and the members of .npz.

use super::{Iter, Row};
use anyhow::{bail, ensure, Context, Result};
use npyz::{DType, NpyFile, Order, TypeChar};
use std::fs::File;
use std::io::{BufReader, Read};

pub fn npy(from: impl Read + 'static) -> Result<(Iter, Option<u64>)> {
    whole(NpyFile::new(from).context("it is no .npy file")?)
}

fn whole<R: Read + 'static>(file: NpyFile<R>) -> Result<(Iter, Option<u64>)> {
    let n = *file.shape().first().unwrap_or(&0);
    ensure!(
        file.shape().len() == 2,
        "its shape is {:?}, expected (rows, numbers)",
        file.shape()
    );
    ensure!(
        file.order() == Order::C || n <= 1,
        "its columns lie in a row (Fortran order), expected rows; numpy.ascontiguousarray turns it"
    );
    let DType::Plain(kind) = file.dtype() else {
        bail!("it holds records, expected numbers");
    };
    let size = kind.num_bytes();
    macro_rules! of {
        ($type:ty) => {
            rows::<$type, _>(file, |x| x as f64)
        };
    }
    let rows = match (kind.type_char(), size) {
        (TypeChar::Float, Some(2)) => rows::<npyz::half::f16, _>(file, f64::from),
        (TypeChar::Float, Some(4)) => of!(f32),
        (TypeChar::Float, Some(8)) => of!(f64),
        (TypeChar::Int, Some(1)) => of!(i8),
        (TypeChar::Int, Some(2)) => of!(i16),
        (TypeChar::Int, Some(4)) => of!(i32),
        (TypeChar::Int, Some(8)) => of!(i64),
        (TypeChar::Uint, Some(1)) => of!(u8),
        (TypeChar::Uint, Some(2)) => of!(u16),
        (TypeChar::Uint, Some(4)) => of!(u32),
        (TypeChar::Uint, Some(8)) => of!(u64),
        (TypeChar::Bool, _) => rows::<bool, _>(file, |x| f64::from(u8::from(x))),
        _ => bail!("its dtype is {kind}, expected numbers"),
    };
    Ok((rows?, Some(n)))
}

fn rows<T: npyz::Deserialize + 'static, R: Read + 'static>(
    file: NpyFile<R>,
    number: fn(T) -> f64,
) -> Result<Iter> {
    let (n, f) = (file.shape()[0], file.shape()[1]);
    let f = usize::try_from(f).ok().context("rows too long")?;
    let mut numbers = file.data::<T>()?;
    let rows = (0..n).map(move |_| {
        let mut vector = Vec::with_capacity(f.min(1 << 20));
        for at in 0..f {
            let next = numbers.next().context("the file ends before it")?;
            vector.push(number(
                next.with_context(|| format!("the file ends at number {at} of {f}"))?,
            ));
        }
        Ok(Row { vector, name: None })
    });
    Ok(Box::new(rows))
}

/// A member by its name; the only one, where it is not named.
pub fn npz(file: File, member: Option<&str>) -> Result<(Iter, Option<u64>)> {
    let archive = npyz::npz::NpzArchive::new(BufReader::new(file)).context("it is no .npz file")?;
    let names: Vec<String> = archive.array_names().map(str::to_owned).collect();
    let name = match (member, &names[..]) {
        (Some(name), _) => name.to_owned(),
        (None, [name]) => name.clone(),
        _ => bail!("it has the members {names:?}: --column names one"),
    };
    // A member borrows the archive, which the rows outlive.
    let archive = Box::leak(Box::new(archive));
    let Some(file) = archive.by_name(&name)? else {
        bail!("it has no member {name:?}, but {names:?}");
    };
    whole(file)
}
