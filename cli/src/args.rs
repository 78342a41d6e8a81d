//! What may be written on the command line.

use annoy_rs::{IdWidth, Metric, ScalarType, Way};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Parser)]
#[command(
    name = "annoy",
    version,
    about = "Builds, searches, measures and looks into .ann files",
    after_help = "Exit codes: 0 all is well; 1 it could not be done; 2 the command line is wrong; \
                  3 a file is damaged, or two files differ; 130 interrupted.",
    max_term_width = 100
)]
pub struct Cli {
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress
    #[arg(long, short, global = true)]
    pub quiet: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Build an index of the vectors in a file
    Build(Build),
    /// Find the nearest of an item, a label, a vector or many
    Query(Query),
    /// Say what an index is
    Info { index: PathBuf },
    /// Look at every byte: exit code 3 where a file is damaged
    Verify {
        index: PathBuf,
        /// Faults that are printed
        #[arg(long, default_value_t = 10)]
        most: usize,
    },
    /// Say what a file may be, also one of Annoy itself
    Probe { file: PathBuf },
    /// Look at the vectors: lengths, zeros, duplicates, hubs
    Stats(Stats),
    /// Look at the machine: kernel, threads, how much of a file is in memory
    Doctor { index: Option<PathBuf> },
    /// Measure recall and time over search_k, and say which to use
    Tune(Tune),
    /// Measure recall and queries a second, by method and search_k
    Bench(crate::bench::BenchArgs),
    /// Add vectors to a built index, or replace some
    Insert(Insert),
    /// Remove items: by id, or by label with --label
    Remove(Remove),
    /// Leave removed items out and build anew what is left
    Compact {
        index: PathBuf,
        #[command(flatten)]
        to: To,
        #[command(flatten)]
        threads: Threads,
    },
    /// Write a file by Annoy itself as one that says what it is and checks itself
    Upgrade(Upgrade),
    /// Put the items of several indexes into one
    Merge(Merge),
    /// Compare two indexes: exit code 3 where they differ
    Diff(Diff),
    /// Write a page that shows an index: trees, recall over time, distances, a map, neighbours
    Report(crate::pictures::ReportArgs),
    /// Draw the items where their neighbours are near
    Map(crate::pictures::MapArgs),
    /// Write the vectors as .npy, CSV, JSON lines or Parquet
    Export(Export),
    /// Print completions for a shell
    Completions { shell: clap_complete::Shell },
    /// Print the man page
    Man,
}

#[derive(Args)]
pub struct Threads {
    /// Threads (default: one per processor)
    #[arg(long, short = 't')]
    pub threads: Option<usize>,
}

#[derive(Args)]
pub struct To {
    /// Write here (default: in place)
    #[arg(long, short)]
    pub output: Option<PathBuf>,
}

/// Where vectors come from.
#[derive(Args)]
pub struct Data {
    /// .npy, .npz, .fvecs, .bvecs, .ivecs, .fbin, .u8bin, .i8bin, .f16, .f32, .csv, .tsv, .txt (a
    /// word, then numbers), .jsonl, .parquet, .arrow, .hdf5; - for standard input
    pub data: PathBuf,
    /// The format, where the name does not say it
    #[arg(long)]
    pub format: Option<Format>,
    /// The column or field with the vectors (Parquet, Arrow, JSON lines), the member of an .npz, or
    /// the dataset of an .hdf5
    #[arg(long)]
    pub column: Option<String>,
    /// The column or field with the labels, numbered from 0 in a CSV without a header
    #[arg(long, value_name = "COLUMN")]
    pub labels: Option<String>,
    /// Labels of the rows in order, one a line
    #[arg(long, value_name = "FILE", conflicts_with = "labels")]
    pub names: Option<PathBuf>,
    /// Numbers of a row, in .f16 and .f32: files of numbers and nothing else
    #[arg(long, value_name = "N")]
    pub width: Option<usize>,
    /// Read no more rows than this
    #[arg(long)]
    pub limit: Option<u64>,
    /// Not items: some files hold both.
    #[arg(skip)]
    #[cfg_attr(not(feature = "hdf5"), expect(dead_code))]
    pub are_queries: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Npy,
    Npz,
    Fvecs,
    Bvecs,
    Ivecs,
    Fbin,
    U8bin,
    I8bin,
    F16,
    F32,
    Csv,
    Tsv,
    /// Lines of a word and its numbers
    Words,
    Jsonl,
    Parquet,
    Arrow,
    Hdf5,
}

fn metric(text: &str) -> Result<Metric, String> {
    text.parse()
        .map_err(|error: annoy_rs::Error| error.to_string())
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Scalar {
    F32,
    F64,
}

impl From<Scalar> for ScalarType {
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::F32 => ScalarType::F32,
            Scalar::F64 => ScalarType::F64,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Beside {
    /// Whichever of the two is faster, measured
    Auto,
    Graph,
    Scan,
    /// Trees alone, as Annoy
    None,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  annoy build words.txt -o words.ann --metric angular\n  \
    annoy build base.fvecs -o base.ann --metric euclidean --trees 20 --beside graph\n  \
    cat rows.csv | annoy build - --format csv --labels name -o rows.ann"
)]
pub struct Build {
    #[command(flatten)]
    pub data: Data,
    /// The file to write
    #[arg(long, short)]
    pub output: PathBuf,
    /// angular, euclidean, manhattan, dot or hamming
    #[arg(long, short, default_value = "angular", value_parser = metric)]
    pub metric: Metric,
    /// Numbers of the index (f32, or f64)
    #[arg(long, default_value = "f32")]
    pub scalar: Scalar,
    /// Trees
    #[arg(long, default_value_t = 10)]
    pub trees: usize,
    /// What searches walk beside the trees
    #[arg(long, default_value = "auto")]
    pub beside: Beside,
    /// The least recall that `--beside auto` is to find
    #[arg(long)]
    pub recall: Option<f64>,
    /// Seed of the build
    #[arg(long)]
    pub seed: Option<u64>,
    /// Keep vectors and trees in the file while building, not in memory
    #[arg(long)]
    pub on_disk: bool,
    #[command(flatten)]
    pub threads: Threads,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Method {
    Forest,
    Graph,
    Scan,
    Exact,
}

impl From<Method> for Way {
    fn from(method: Method) -> Self {
        match method {
            Method::Forest => Way::Forest,
            Method::Graph => Way::Graph,
            Method::Scan => Way::Scan,
            Method::Exact => Way::Exact,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Printed {
    Table,
    Json,
    Csv,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  annoy query words.ann --label king -n 5\n  \
    annoy query words.ann --vector 0.1,0.2,0.3 --recall 0.95\n  \
    annoy query words.ann --file queries.npy -n 100 --print csv"
)]
pub struct Query {
    pub index: PathBuf,
    #[command(flatten)]
    pub by: By,
    /// Results
    #[arg(short, default_value_t = 10)]
    pub n: usize,
    /// How many items are looked at
    #[arg(long, conflicts_with = "recall")]
    pub search_k: Option<u64>,
    /// As many as it takes to find this share of the nearest (`annoy tune --write` measured it)
    #[arg(long)]
    pub recall: Option<f64>,
    /// Compare all items
    #[arg(long, conflicts_with_all = ["search_k", "recall", "method"])]
    pub exact: bool,
    /// What is searched (default: the fastest there is)
    #[arg(long)]
    pub method: Option<Method>,
    /// No results farther than this; for dot, none of a smaller product
    #[arg(long, allow_negative_numbers = true)]
    pub radius: Option<f64>,
    /// Only items of these ids, or with these labels: one a line
    #[arg(long, value_name = "FILE")]
    pub filter: Option<PathBuf>,
    /// How results are printed
    #[arg(long, default_value = "table")]
    pub print: Printed,
    #[command(flatten)]
    pub threads: Threads,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct By {
    /// The item with this id, itself left out
    #[arg(long)]
    pub item: Option<i64>,
    /// The item with this label, itself left out
    #[arg(long)]
    pub label: Option<String>,
    /// A vector: numbers with commas between them
    #[arg(long, allow_hyphen_values = true, value_delimiter = ',')]
    pub vector: Option<Vec<f64>>,
    /// The vectors in a file, as `annoy build` reads them
    #[arg(long)]
    pub file: Option<PathBuf>,
}

#[derive(Args)]
pub struct Stats {
    pub index: PathBuf,
    /// Items whose neighbours are looked at
    #[arg(long, default_value_t = 1000)]
    pub sample: usize,
    #[command(flatten)]
    pub threads: Threads,
}

#[derive(Args)]
#[command(after_help = "Examples:\n  annoy tune words.ann --recall 0.95\n  \
    annoy tune words.ann --queries q.npy --write && annoy query words.ann --label king --recall 0.95")]
pub struct Tune {
    pub index: PathBuf,
    /// Queries to measure with (default: items of the index, as if those were not there)
    #[arg(long)]
    pub queries: Option<PathBuf>,
    /// The recall wanted
    #[arg(long, default_value_t = 0.95)]
    pub recall: f64,
    /// Results of a search
    #[arg(short, default_value_t = 10)]
    pub n: usize,
    /// Queries that are measured
    #[arg(long, default_value_t = 500)]
    pub sample: usize,
    /// Keep what was measured in the file, for searches with `recall`
    #[arg(long)]
    pub write: bool,
    #[command(flatten)]
    pub threads: Threads,
}

#[derive(Args)]
pub struct Insert {
    pub index: PathBuf,
    #[command(flatten)]
    pub data: Data,
    /// Items whose labels are there get the new vectors
    #[arg(long)]
    pub replace: bool,
    #[command(flatten)]
    pub to: To,
    #[command(flatten)]
    pub threads: Threads,
}

#[derive(Args)]
pub struct Remove {
    pub index: PathBuf,
    /// Ids, or labels with --label
    #[arg(required = true)]
    pub items: Vec<String>,
    /// The items are named by their labels
    #[arg(long)]
    pub label: bool,
    #[command(flatten)]
    pub to: To,
}

#[derive(Args)]
pub struct Upgrade {
    /// A file by Annoy, or an older one of ours
    pub old: PathBuf,
    pub new: PathBuf,
    /// The metric, where the file does not say it
    #[arg(long, short, value_parser = metric)]
    pub metric: Option<Metric>,
    /// The length of the vectors, where the file does not say it
    #[arg(long, short)]
    pub f: Option<usize>,
    /// f64 where the vectors are doubles
    #[arg(long, default_value = "f32")]
    pub scalar: Scalar,
    /// Ids of 64 bits
    #[arg(long)]
    pub wide: bool,
    /// What searches walk beside the trees
    #[arg(long, default_value = "none")]
    pub beside: Beside,
    /// Labels of the items in order, one a line
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// A file whose bytes become the metadata
    #[arg(long, value_name = "FILE")]
    pub metadata: Option<PathBuf>,
    #[command(flatten)]
    pub threads: Threads,
}

impl Upgrade {
    pub fn id_width(&self) -> IdWidth {
        match self.wide {
            true => IdWidth::Bits64,
            false => IdWidth::Bits32,
        }
    }
}

#[derive(Args)]
pub struct Merge {
    #[arg(required = true, num_args = 2..)]
    pub indexes: Vec<PathBuf>,
    #[arg(long, short)]
    pub output: PathBuf,
    /// Trees (default: those of the first)
    #[arg(long)]
    pub trees: Option<usize>,
    /// What searches walk beside the trees
    #[arg(long, default_value = "auto")]
    pub beside: Beside,
    #[command(flatten)]
    pub threads: Threads,
}

#[derive(Args)]
pub struct Diff {
    pub a: PathBuf,
    pub b: PathBuf,
    /// Items whose neighbours are compared
    #[arg(long, default_value_t = 100)]
    pub sample: usize,
    /// Neighbours of each
    #[arg(short, default_value_t = 10)]
    pub n: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Written {
    Npy,
    Csv,
    Jsonl,
    Parquet,
}

#[derive(Args)]
pub struct Export {
    pub index: PathBuf,
    #[arg(long, short)]
    pub output: PathBuf,
    /// The format (default: as the name of the output says)
    #[arg(long)]
    pub format: Option<Written>,
    /// The ids of so many neighbours too; not in .npy
    #[arg(long, default_value_t = 0)]
    pub neighbors: usize,
    /// Places on a map too (`annoy map`): columns x and y; not in .npy
    #[arg(long)]
    pub xy: bool,
    #[command(flatten)]
    pub threads: Threads,
}
