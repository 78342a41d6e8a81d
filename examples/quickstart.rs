//! Nearest words: builds an index of 20,000 English words, saves it, maps the file and searches it.
//!
//! ```text
//! cargo run --release --example quickstart [WORD...]
//! ```

use annoy_rs::{Access, Index, Metric, VectorMut};
use std::collections::HashSet;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

const DIMENSIONS: usize = 50;
const TREES: usize = 10;
const NEAREST: usize = 10;

/// The words and their vectors, one after the other.
fn read_words() -> Result<(Vec<String>, Vec<f32>), Box<dyn Error>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    let words: Vec<String> = std::fs::read_to_string(data.join("glove-20k-words.txt"))?
        .lines()
        .map(String::from)
        .collect();
    let vectors: Vec<f32> = std::fs::read(data.join("glove-20k-50d.f16"))?
        .chunks_exact(2)
        .map(|half| half::f16::from_le_bytes([half[0], half[1]]).to_f32())
        .collect();
    if vectors.len() != words.len() * DIMENSIONS {
        let text = format!("{} words but {} numbers", words.len(), vectors.len());
        return Err(text.into());
    }
    Ok((words, vectors))
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn main() -> Result<(), Box<dyn Error>> {
    let (words, vectors) = read_words()?;
    let rows = vectors.chunks_exact(DIMENSIONS);
    let path = std::env::temp_dir().join(format!("annoy_rs-quickstart-{}.ann", std::process::id()));

    let start = Instant::now();
    let mut index = Index::new(Metric::Angular, DIMENSIONS)?;
    index.add_items(None, rows)?;
    index.build(Some(TREES), None)?;
    println!(
        "built {TREES} trees over {} words x {DIMENSIONS} in {:.0} ms (kernel {})",
        index.n_items(),
        milliseconds(start),
        annoy_rs::kernel_name()?
    );

    let start = Instant::now();
    index.save(&path)?;
    println!(
        "saved {:.1} MB in {:.1} ms",
        std::fs::metadata(&path)?.len() as f64 / 1e6,
        milliseconds(start)
    );

    let start = Instant::now();
    let mut index = Index::new(Metric::Angular, DIMENSIONS)?;
    index.load(&path, Access::Map)?;
    println!("mapped it in {:.2} ms", milliseconds(start));

    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    if wanted.is_empty() {
        wanted = ["king", "paris", "guitar", "tuesday"]
            .map(String::from)
            .into();
    }
    for word in &wanted {
        let Some(id) = words.iter().position(|known| known == word) else {
            println!("\n{word}: not among the {} words", words.len());
            continue;
        };
        println!("\n{word}");
        for neighbor in index.get_nns_by_item(id as i64, NEAREST + 1, Some(5_000))? {
            if neighbor.id != id as i64 {
                let found = &words[neighbor.id as usize];
                println!("  {:.3}  {found}", neighbor.distance);
            }
        }
    }

    println!("\nrecall@{NEAREST} over 500 words, against an exact scan");
    println!("  search_k    recall    us/query");
    let queries: Vec<i64> = (0..500).map(|i| i * (words.len() as i64 / 500)).collect();
    let mut vector = [0.0f32; DIMENSIONS];
    let mut exact = Vec::new();
    for &query in &queries {
        index.get_item(query, VectorMut::F32(&mut vector))?;
        // Looking at every candidate of every tree leaves nothing out.
        let nearest = index.get_nns_by_vector(&vector, NEAREST, Some(u64::MAX))?;
        exact.push(nearest.iter().map(|n| n.id).collect::<HashSet<i64>>());
    }
    for search_k in [100, 1_000, 5_000, 20_000] {
        let (mut hits, start) = (0, Instant::now());
        for (&query, exact) in queries.iter().zip(&exact) {
            let found = index.get_nns_by_item(query, NEAREST, Some(search_k))?;
            hits += found.iter().filter(|n| exact.contains(&n.id)).count();
        }
        println!(
            "  {search_k:8}    {:6.3}    {:8.1}",
            hits as f64 / (queries.len() * NEAREST) as f64,
            milliseconds(start) * 1e3 / queries.len() as f64
        );
    }
    drop(index);
    std::fs::remove_file(&path)?;
    Ok(())
}
