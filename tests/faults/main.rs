//! The fault campaign: whatever befalls a program that writes, earlier results stay whole, the next start succeeds and ends with the
//! bytes of an undisturbed run, and nothing is left lying about.
//!
//! A short form is among the tests; `scripts/faults` runs it at length. Each fault prints a row of a table.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod campaign;
mod clocks;
mod disks;
mod ending;
mod folders;
mod kills;
mod moves;
mod step;
mod subject;
mod together;
