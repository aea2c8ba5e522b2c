//! run-report on the command line.

mod commands;

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{
    CompareArgs, ExportArgs, FiguresArgs, HtmlArgs, Printable, TableArgs, VerifyArgs, compare, export, figures, html,
    table, verify,
};

/// Reads runs: shows and draws what they reached, what differs between them, and whether their files are as they were written.
#[derive(Parser)]
#[command(version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Table(TableArgs),
    Compare(CompareArgs),
    Verify(VerifyArgs),
    Figures(FiguresArgs),
    Html(HtmlArgs),
    Export(ExportArgs),
}

fn main() -> ExitCode {
    let mut out = Printable(io::stdout().lock());
    let result = match stage_cli::parse::<CommandLine>().command {
        Command::Table(args) => table(&args, &mut out),
        Command::Compare(args) => compare(&args, &mut out),
        Command::Verify(args) => verify(&args, &mut out),
        Command::Figures(args) => figures(&args),
        Command::Html(args) => html(&args),
        Command::Export(args) => export(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => stage_cli::failed(&error),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
