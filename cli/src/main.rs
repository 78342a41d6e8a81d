//! The command `annoy`: builds, searches, measures and looks into .ann files.

mod args;
mod bench;
mod build;
mod cached;
mod diff;
mod export;
mod input;
mod look;
mod output;
mod pictures;
mod progress;
mod query;
mod trial;
mod tune;
mod vectors;

use anyhow::Result;
use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use std::io::ErrorKind;
use std::process::ExitCode;

/// A file is damaged, or two differ.
const DIFFERENT: u8 = 3;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = progress::listen().and_then(|()| run(&cli));
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(DIFFERENT),
        Err(error) => {
            let is_cancelled =
                |error: &annoy_rs::Error| matches!(error, annoy_rs::Error::Cancelled);
            if error.downcast_ref().is_some_and(is_cancelled) {
                eprintln!("annoy: interrupted; nothing was changed");
                return ExitCode::from(130);
            }
            // The reader has read enough.
            let is_pipe = |error: &std::io::Error| error.kind() == ErrorKind::BrokenPipe;
            if error.downcast_ref().is_some_and(is_pipe) {
                return ExitCode::SUCCESS;
            }
            eprintln!("annoy: {}", told(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error and its causes, each of which the one before may have told already.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(|cause| cause.to_string()) {
        if !text.contains(&cause) {
            let between = if text.is_empty() { "" } else { ": " };
            text = text + between + &cause;
        }
    }
    text
}

/// Whether all is as it was hoped.
fn run(cli: &Cli) -> Result<bool> {
    let (json, quiet) = (cli.json, cli.quiet);
    match &cli.command {
        Command::Build(args) => build::build(args, quiet)?,
        Command::Query(args) => query::query(args, json, quiet)?,
        Command::Info { index } => look::info(index, json)?,
        Command::Verify { index, most } => return look::verify(index, *most, json, quiet),
        Command::Probe { file } => look::probe(file, json)?,
        Command::Stats(args) => look::stats(args, json, quiet)?,
        Command::Doctor { index } => look::doctor(index.as_deref(), json)?,
        Command::Tune(args) => tune::tune(args, json, quiet)?,
        Command::Bench(args) => bench::bench(args, json, quiet)?,
        Command::Insert(args) => build::insert(args, quiet)?,
        Command::Remove(args) => build::remove(args, quiet)?,
        Command::Compact { index, to, threads } => build::compact(index, to, threads, quiet)?,
        Command::Upgrade(args) => build::upgrade(args, quiet)?,
        Command::Merge(args) => build::merge(args, quiet)?,
        Command::Diff(args) => return diff::diff(args, json),
        Command::Report(args) => pictures::report(args, quiet)?,
        Command::Map(args) => pictures::map(args, quiet)?,
        Command::Export(args) => export::export(args, quiet)?,
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "annoy", &mut std::io::stdout());
        }
        Command::Man => clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout())?,
    }
    Ok(true)
}
