//! The first test digits as each model redraws them, for every kept epoch.

use run_store::{Stage, StoreError, file, input, one_line};
use serde::Serialize;

use super::parcels::{ParcelId, Parcels};
use crate::figures::catalogue::{Catalogue, Entry, Series};
use crate::figures::gaps::Gaps;
use crate::figures::task1::Redrawn;

/// What the sheets are called where a run is left out of them.
const NAME: &str = "the sheets of reconstructions";

/// The sheets of one model.
#[derive(Debug, Serialize)]
pub(super) struct ModelSheets {
    label: String,
    run: String,
    height: u32,
    width: u32,
    /// The digits' labels.
    labels: Vec<u8>,
    /// Grey levels, 8 bits each: the originals, then what is redrawn after each epoch.
    pixels: ParcelId,
    originals: SheetReading,
    epochs: Vec<EpochSheet>,
    /// Digits that a reader was given; none if it read none.
    read_count: Option<u32>,
    /// Whether its epochs are those of a refinement.
    is_refined: bool,
    /// Whether it was a trained model before the first of them.
    is_of_trained: bool,
}

/// What a reader says of one sheet.
#[derive(Debug, Default, Serialize)]
struct SheetReading {
    /// How many of its digits can be read, where that is known.
    readable: Option<u32>,
    /// The positions of those that cannot.
    unreadable: Vec<usize>,
}

#[derive(Debug, Serialize)]
struct EpochSheet {
    epoch: u32,
    #[serde(flatten)]
    reading: SheetReading,
}

/// The sheets of the first run of each model.
pub(super) fn sheets(catalogue: &Catalogue, gaps: &mut Gaps, parcels: &mut Parcels) -> Vec<ModelSheets> {
    let series = catalogue.series(NAME, &[Stage::AeTrain], true, gaps, |entry: &Entry, gaps| {
        let redrawn = Redrawn::read(entry, gaps)?;
        check_digits(&redrawn, entry)?;
        Ok::<_, StoreError>((!redrawn.reconstructions.rows.is_empty()).then_some(redrawn))
    });
    let mut sheets = Vec::new();
    for series in &series {
        let Some(redrawn) = series.members.first() else { continue };
        match parcels.if_it_fits(|parcels| Ok::<_, StoreError>(sheet(redrawn, series, parcels))) {
            Ok(Some(sheet)) => sheets.push(sheet),
            Ok(None) => gaps.has_no_room(series.first, NAME),
            Err(error) => gaps.cannot_use(series.first, &error, NAME),
        }
    }
    sheets
}

/// Checks that `redrawn` has the same digits after each epoch: the page finds them by their places.
fn check_digits(redrawn: &Redrawn, entry: &Entry) -> Result<(), StoreError> {
    let Some(epoch) = uneven_epoch(redrawn) else { return Ok(()) };
    let problem = format!(
        "expected the same digits after each epoch, found others after {epoch} than after {}",
        redrawn.last_epoch()
    );
    let path = entry.run.dir.model_stage().file(file::RECONSTRUCTIONS);
    Err(StoreError::invalid(&path, problem, "rerun the stage that trained it with --force"))
}

/// An epoch after which other digits are redrawn than after the last, if there is one.
fn uneven_epoch(redrawn: &Redrawn) -> Option<u32> {
    let digits = |epoch: u32| {
        let rows = redrawn.reconstructions.rows.iter().filter(move |row| row.epoch == epoch);
        rows.map(|row| (row.index, row.label))
    };
    let last = redrawn.last_epoch();
    redrawn.epochs().into_iter().find(|epoch| !digits(*epoch).eq(digits(last)))
}

fn sheet(redrawn: &Redrawn, series: &Series<'_, Redrawn>, parcels: &mut Parcels) -> ModelSheets {
    let rows = &redrawn.reconstructions.rows;
    let of_epoch = |epoch: u32| rows.iter().filter(move |row| row.epoch == epoch);
    let last = || of_epoch(redrawn.last_epoch());
    let originals = last().map(|row| &row.original);
    let redrawings = redrawn.epochs().into_iter().flat_map(|epoch| of_epoch(epoch).map(|row| &row.reconstruction));
    let levels = originals.chain(redrawings).flatten().map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8);
    let reading = |epoch: Option<u32>| {
        let Some(readings) = &redrawn.readings else { return SheetReading::default() };
        let counts = epoch.map_or(Some(&readings.originals), |epoch| readings.epochs.get(&epoch));
        let indices = of_epoch(epoch.unwrap_or(redrawn.last_epoch())).map(|row| row.index).enumerate();
        let unreadable = indices.filter(|(_, index)| readings.unreadable.contains(&(epoch, *index)));
        SheetReading {
            readable: counts.map(|counts| counts.sheet_readable),
            unreadable: unreadable.map(|(position, _)| position).collect(),
        }
    };
    let refinement = series.first.run.refinement();
    ModelSheets {
        label: one_line(&series.label),
        run: one_line(&series.first.name),
        height: redrawn.reconstructions.height,
        width: redrawn.reconstructions.width,
        labels: last().map(|row| row.label).collect(),
        pixels: parcels.add(&levels.collect::<Vec<u8>>()),
        originals: reading(None),
        epochs: redrawn.epochs().into_iter().map(|epoch| EpochSheet { epoch, reading: reading(Some(epoch)) }).collect(),
        read_count: redrawn.readings.as_ref().map(|readings| readings.sheet_count),
        is_refined: refinement.is_some(),
        is_of_trained: refinement.is_some_and(|manifest| manifest.inputs.contains_key(input::WEIGHTS)),
    }
}

#[cfg(test)]
mod tests {
    use run_store::{Reconstruction, Reconstructions};

    use super::*;

    #[test]
    fn sheets_are_of_the_same_digits_after_each_epoch() {
        let row = |(epoch, index): (u32, u32)| Reconstruction {
            epoch,
            index,
            label: 7,
            original: vec![0.0],
            reconstruction: vec![1.0],
        };
        let uneven = |places: &[(u32, u32)]| {
            let rows = places.iter().copied().map(row).collect();
            uneven_epoch(&Redrawn { reconstructions: Reconstructions { height: 1, width: 1, rows }, readings: None })
        };
        assert_eq!(uneven(&[]), None);
        assert_eq!(uneven(&[(0, 0), (0, 1), (5, 0), (5, 1)]), None);
        // One that is missing, and one that is another.
        assert_eq!(uneven(&[(0, 0), (5, 0), (5, 1)]), Some(0));
        assert_eq!(uneven(&[(0, 0), (0, 1), (5, 0), (5, 2)]), Some(0));
    }
}
