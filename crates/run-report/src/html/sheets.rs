//! The first test digits as each model redraws them, for every kept epoch.

use run_store::{Stage, StoreError};
use serde::Serialize;

use super::parcels::{ParcelId, Parcels};
use crate::figures::catalogue::{Catalogue, Entry};
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
        Ok::<_, StoreError>((!redrawn.reconstructions.rows.is_empty()).then_some(redrawn))
    });
    let mut sheets = Vec::new();
    for series in &series {
        let Some(redrawn) = series.members.first() else { continue };
        match parcels.if_it_fits(|parcels| sheet(redrawn, series.first, parcels)) {
            Some(sheet) => sheets.push(sheet),
            None => gaps.has_no_room(series.first, NAME),
        }
    }
    sheets
}

fn sheet(redrawn: &Redrawn, entry: &Entry, parcels: &mut Parcels) -> ModelSheets {
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
    ModelSheets {
        label: entry.label.clone(),
        run: entry.name.clone(),
        height: redrawn.reconstructions.height,
        width: redrawn.reconstructions.width,
        labels: last().map(|row| row.label).collect(),
        pixels: parcels.add(&levels.collect::<Vec<u8>>()),
        originals: reading(None),
        epochs: redrawn.epochs().into_iter().map(|epoch| EpochSheet { epoch, reading: reading(Some(epoch)) }).collect(),
        read_count: redrawn.readings.as_ref().map(|readings| readings.sheet_count),
    }
}
