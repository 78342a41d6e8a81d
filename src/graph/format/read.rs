//! Reading the headers of a graph's sections, which may say anything.

use super::header::{can_become, GraphHeader, HEADER, ID, MAX_DEGREE};
use super::routes;
use crate::error::Result;
use crate::forest::peek::Misfit;
use crate::graph::quantize::projection::{Projection, LENGTHS};
use crate::graph::quantize::scale::Scale;
use crate::memory;
use crate::types::{Metric, Options};
use crate::wire;

impl GraphHeader {
    /// Reads the headers of two sections of an index; the second is missing when there are codes
    /// only.
    ///
    /// # Errors
    /// What does not hold together; [`Error::NoMemory`].
    pub fn read(
        codes: &[u8],
        lists: Option<&[u8]>,
        options: &Options,
        n_items: usize,
    ) -> Result<Self, Misfit> {
        if codes.len() < HEADER {
            return Err(format!(
                "its codes section has {} bytes, expected {HEADER} at least",
                codes.len()
            )
            .into());
        }
        let fields = wire::Codes::read(codes);
        let by_vectors = match fields.by_vectors {
            0 => false,
            1 if options.metric != Metric::Hamming => true,
            other => {
                return Err(format!(
                    "its graph is walked by what is not known here: {other}, \
                     expected 0 (codes) or, but for hamming, 1 (vectors)"
                )
                .into())
            }
        };
        let n_offsets = match options.metric {
            _ if by_vectors => 0,
            Metric::Hamming => 0,
            _ => options.f,
        };
        // Their number is known: what the header says of them is compared with it below.
        let scale =
            |step: f64, n: usize| memory::filled(0.0, n).map(|offsets| Scale { offsets, step });
        let length = fields.n_short;
        let may_be = |&l: &usize| l as u64 == length && can_become(options, l);
        let projection = match LENGTHS.into_iter().find(may_be) {
            Some(length) if !by_vectors => Some(Projection {
                factors: memory::filled(0.0, length)?,
                scale: scale(fields.short_step, length)?,
            }),
            None if length == 0 => None,
            _ => {
                let lengths = LENGTHS.into_iter().filter(|&l| can_become(options, l));
                let lengths = memory::collect(lengths)?;
                return Err(format!(
                    "its codes are made {length} numbers long, expected 0 or one of {lengths:?}"
                )
                .into());
            }
        };
        let mut header = match by_vectors {
            true => GraphHeader::of_vectors(options, n_items),
            false => GraphHeader::new(options, n_items, scale(fields.step, n_offsets)?, projection),
        };
        let parts = header.code_ranges();
        let found = [
            u64::from(fields.stride),
            u64::from(fields.extras),
            fields.n_items,
            fields.n_offsets,
            codes.len() as u64,
        ];
        let expected = [
            header.code_bytes() as u64,
            u64::from(header.has_extras),
            n_items as u64,
            n_offsets as u64,
            parts.as_ref().map_or(0, |parts| parts.extras.end as u64),
        ];
        let parts = parts.filter(|_| found == expected).ok_or_else(|| {
            format!("its codes section has stride, extras, items, offsets and bytes {found:?}, expected {expected:?}")
        })?;
        let (numbers, _) = codes[parts.numbers].as_chunks::<8>();
        for (number, &bytes) in header.numbers().zip(numbers) {
            *number = f64::from_le_bytes(bytes);
        }
        let more = header.projection.as_ref().map_or(1.0, |p| p.scale.step);
        let steps_are_sound = [header.scale.step, more]
            .iter()
            .all(|&step| n_offsets == 0 || (step.is_finite() && step > 0.0));
        if !steps_are_sound || !header.numbers().all(|x| x.is_finite()) {
            return Err(format!(
                "the scale of its codes is wrong: a step of {} or {more}, or an offset that is no number",
                header.scale.step
            ).into());
        }
        let Some(lists) = lists else {
            return Ok(header);
        };
        if lists.len() < wire::Graph::SIZE {
            return Err(format!(
                "its graph section has {} bytes, expected {} at least",
                lists.len(),
                wire::Graph::SIZE
            )
            .into());
        }
        let fields = wire::Graph::read(lists);
        let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        header.degree = fields.degree as usize;
        header.alpha = fields.alpha;
        header.n_entries = count(fields.n_entries);
        header.n_routes = count(fields.n_routes);
        header.n_starts = fields.n_starts as usize;
        header.n_null = count(fields.n_null);
        let recall = fields.recall;
        header.recall = match (fields.has_recall, (0.0..=1.0).contains(&recall)) {
            (0, _) if recall == 0.0 => None,
            (1, true) => Some(recall),
            (tried, _) => {
                return Err(format!(
                    "its graph section says {tried} and {recall} of how it was tried, \
                 expected 0 and 0, or 1 and a share from 0 to 1"
                )
                .into())
            }
        };
        let sound = fields.id_bytes as usize == ID
            && (1..=MAX_DEGREE).contains(&header.degree)
            && fields.n_items == n_items as u64
            && header.n_entries <= n_items
            && header.n_null <= n_items
            && (header.n_entries == 0 || !by_vectors)
            // What they are followed by is a code as long as the vectors.
            && (header.n_starts == 0 || n_offsets > 0 && !header.is_projected())
            && (header.n_routes == 0 || header.n_starts > 0)
            && header.n_starts <= routes::TREES
            && header
                .graph_ranges()
                .is_some_and(|parts| parts.null.end == lists.len());
        if !sound {
            return Err(format!(
                "its graph section does not hold together: ids of {} bytes, {} neighbours of {} items, \
                 {} to start from, {} without neighbours, {} routes of {} trees in {} bytes, \
                 expected {ID}, 1 to {MAX_DEGREE} and {n_items}",
                fields.id_bytes,
                header.degree,
                fields.n_items,
                header.n_entries,
                header.n_null,
                header.n_routes,
                header.n_starts,
                lists.len()
            ).into());
        }
        Ok(header)
    }
}
