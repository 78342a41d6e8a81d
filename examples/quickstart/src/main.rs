//! Nearest words: builds an index of 20,000 English words, saves it, maps the file and searches it.
//!
//! ```text
//! cargo run --release -p quickstart [WORD...]
//! ```

use annoy_rs::{Access, GraphPlan, Index, Metric, Search, Vector, VectorMut, Way, Work};
use std::collections::HashSet;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

const DIMENSIONS: usize = 50;
const TREES: usize = 10;
const NEAREST: usize = 10;
const QUERIES: usize = 500;

/// The words and their vectors, one after the other: 16-bit floats, each as its bits.
fn read_words() -> Result<(Vec<String>, Vec<u16>), Box<dyn Error>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data");
    let words: Vec<String> = std::fs::read_to_string(data.join("glove-20k-words.txt"))?
        .lines()
        .map(String::from)
        .collect();
    let vectors: Vec<u16> = std::fs::read(data.join("glove-20k-50d.f16"))?
        .chunks_exact(2)
        .map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]))
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

/// Builds an index with trees and a graph, and saves it.
fn build(vectors: &[u16], path: &Path) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let mut index = Index::new(Metric::Angular, DIMENSIONS)?;
    index.add_items(None, vectors.chunks_exact(DIMENSIONS).map(Vector::F16))?;
    index.build(Some(TREES), None)?;
    println!(
        "added {} words x {DIMENSIONS} numbers, built {TREES} trees   {:6.0} ms   (kernel {})",
        index.n_items(),
        milliseconds(start),
        annoy_rs::kernel_name()?
    );

    let start = Instant::now();
    index.build_graph(&GraphPlan::default(), &mut Work::default())?;
    println!(
        "built a graph of neighbours                         {:6.0} ms",
        milliseconds(start)
    );

    let start = Instant::now();
    index.save(path)?;
    println!(
        "saved both to one file of {:.1} MB                   {:6.1} ms",
        std::fs::metadata(path)?.len() as f64 / 1e6,
        milliseconds(start)
    );
    Ok(())
}

/// The words nearest to each of those wanted.
fn show_nearest(index: &Index, words: &[String], wanted: &[String]) -> Result<(), Box<dyn Error>> {
    println!("\nthe {NEAREST} nearest words, and how far they are (0: the same direction, 2: the opposite one)");
    let search = Search {
        exclude_self: true,
        ..Search::new(NEAREST)
    };
    for word in wanted {
        let Some(id) = words.iter().position(|known| known == word) else {
            println!("\n{word}: not among the {} words", words.len());
            continue;
        };
        println!("\n{word}");
        for neighbor in index.search_item(id as i64, &search)? {
            let found = &words[neighbor.id as usize];
            println!("  {:.3}  {found}", neighbor.distance);
        }
    }
    Ok(())
}

/// How much each way of searching finds, and how long it takes.
fn compare_ways(index: &Index) -> Result<(), Box<dyn Error>> {
    let mut queries = vec![[0.0f32; DIMENSIONS]; QUERIES];
    for (i, query) in queries.iter_mut().enumerate() {
        index.get_item(
            (i * index.n_items() / QUERIES) as i64,
            VectorMut::F32(query),
        )?;
    }
    println!("\nthree ways to search: recall is the share of the true {NEAREST} nearest that were found; search_k is how");
    println!("many items a search looks at; times are means of {QUERIES} searches, one after the other, on one core\n");
    println!("  way          search_k   recall   us a search");
    let ways = [
        ("exact scan", Way::Exact, None),
        ("trees", Way::Forest, Some(1_000)),
        ("trees", Way::Forest, Some(5_000)),
        ("graph", Way::Graph, Some(500)),
        ("graph", Way::Graph, None),
    ];
    let mut exact: Vec<HashSet<i64>> = Vec::new();
    for (name, way, search_k) in ways {
        let search = Search {
            way,
            search_k,
            ..Search::new(NEAREST)
        };
        let mut answers = Vec::new();
        let start = Instant::now();
        for query in &queries {
            answers.push(index.search(query, &search)?);
        }
        let each = milliseconds(start) * 1e3 / QUERIES as f64;
        let found: Vec<HashSet<i64>> = answers
            .iter()
            .map(|answer| answer.iter().map(|n| n.id).collect())
            .collect();
        if exact.is_empty() {
            exact = found.clone();
        }
        let pairs = found.iter().zip(&exact);
        let hits: usize = pairs
            .map(|(found, exact)| found.intersection(exact).count())
            .sum();
        let looked_at = match (way, search_k) {
            (Way::Exact, _) => "all".to_string(),
            (_, Some(search_k)) => search_k.to_string(),
            (_, None) => "default".to_string(),
        };
        println!(
            "  {name:10}   {looked_at:>8}   {:6.3}   {each:11.1}",
            hits as f64 / (QUERIES * NEAREST) as f64
        );
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let (words, vectors) = read_words()?;
    let path = std::env::temp_dir().join(format!("annoy_rs-quickstart-{}.ann", std::process::id()));
    build(&vectors, &path)?;

    let start = Instant::now();
    let index = Index::open(&path, Access::Map)?;
    println!(
        "opened the file, which maps it into memory          {:6.2} ms",
        milliseconds(start)
    );

    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    if wanted.is_empty() {
        wanted = ["king", "paris", "guitar", "tuesday"]
            .map(String::from)
            .into();
    }
    show_nearest(&index, &words, &wanted)?;
    compare_ways(&index)?;
    drop(index);
    std::fs::remove_file(&path)?;
    Ok(())
}
