//! A map as an .svg, without a script: names are written where there is room for them.

use super::map::{names, representatives, Colors, Values, STEPS};
use super::Shown;
use annoy_rs::Index;
use anyhow::Result;
use std::collections::BTreeMap;
use std::fmt::Write;

const WIDTH: f32 = 960.0;
const MARGIN: f32 = 24.0;
const HEAD: f32 = 40.0;
/// Of a name's letters.
const LETTER: f32 = 12.0;

pub fn draw(
    index: &Index,
    shown: &Shown,
    title: &str,
    colors: Option<&Colors>,
    highlight: &[usize],
    n_names: usize,
) -> Result<String> {
    let inner = WIDTH - 2.0 * MARGIN;
    let ys = shown.places.iter().map(|place| place[1]);
    let (low, high) = ys.fold((1.0f32, 0.0f32), |(low, high), y| (low.min(y), high.max(y)));
    let height = ((high - low) * inner).max(120.0);
    let place = |at: usize| {
        let [x, y] = shown.places[at];
        [MARGIN + x * inner, HEAD + MARGIN + (high - y) * inner]
    };
    let bottom = HEAD + 2.0 * MARGIN + height;
    let legend = if colors.is_some() { 28.0 } else { 0.0 };
    let total = bottom + legend + 24.0;
    let names = names(index, shown)?;

    let mut svg = String::new();
    write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {total:.0}\" role=\"img\" \
         aria-labelledby=\"t d\">\n<title id=\"t\">{0}</title>\n<desc id=\"d\">{1}</desc>\n\
         <style>{2}</style>\n<rect class=\"page\" width=\"{WIDTH}\" height=\"{total:.0}\"/>\n\
         <text class=\"title\" x=\"{MARGIN}\" y=\"30\">{0}</text>\n",
        escaped(title),
        escaped(&shown.note()),
        STYLE
    )?;
    points(&mut svg, shown, colors, place)?;

    // The highlighted and their neighbours are named first, as others are where room is left.
    let positions = shown.positions();
    let mut around: Vec<usize> = Vec::new();
    for &at in highlight {
        let near = shown.near[at]
            .iter()
            .filter_map(|one| positions.get(&one.id));
        around.extend(near.map(|&at| at as usize));
    }
    for &at in &around {
        let [x, y] = place(at);
        writeln!(
            svg,
            "<circle class=\"near\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"/>"
        )?;
    }
    for &at in highlight {
        let [x, y] = place(at);
        writeln!(
            svg,
            "<circle class=\"mark\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6\"/>"
        )?;
    }
    let mut boxes: Vec<[f32; 4]> = Vec::new();
    let marked = highlight.iter().map(|&at| (at, "mark"));
    let near = around.iter().map(|&at| (at, "near"));
    let others = representatives(shown, n_names);
    let others = others
        .into_iter()
        .filter(|at| !highlight.contains(at))
        .map(|at| (at, "name"));
    for (at, class) in marked.chain(near).chain(others) {
        let [x, y] = place(at);
        let wide = names[at].chars().count() as f32 * 0.56 * LETTER + 4.0;
        // To the right of its point, or to the left of it, or above or below.
        let left = [x + 5.0, x - 5.0 - wide, x - wide / 2.0, x - wide / 2.0];
        let down = [0.0, 0.0, -LETTER, LETTER];
        let free = left.into_iter().zip(down).find(|&(left, down)| {
            let middle = y + down;
            let [x0, x1, y0, y1] = [left, left + wide, middle - 7.0, middle + 7.0];
            let is_inside = x0 > 0.0 && x1 < WIDTH && y0 > HEAD && y1 < bottom;
            is_inside
                && boxes
                    .iter()
                    .all(|b| x1 < b[0] || b[1] < x0 || y1 < b[2] || b[3] < y0)
        });
        let Some((left, down)) = free else { continue };
        boxes.push([left, left + wide, y + down - 7.0, y + down + 7.0]);
        let (x, y) = (left + 2.0, y + down + 4.0);
        let name = escaped(&names[at]);
        writeln!(
            svg,
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{name}</text>"
        )?;
    }
    if let Some(colors) = colors {
        key(&mut svg, colors, bottom + 12.0)?;
    }
    writeln!(
        svg,
        "<text class=\"note\" x=\"{MARGIN}\" y=\"{:.0}\">{}</text>\n</svg>",
        total - 10.0,
        escaped(&shown.note())
    )?;
    Ok(svg)
}

/// Points of a colour are one path, in half pixels from one to the next: a page of 20,000 circles
/// would be six times as large.
fn points(
    svg: &mut String,
    shown: &Shown,
    colors: Option<&Colors>,
    place: impl Fn(usize) -> [f32; 2],
) -> Result<()> {
    let classes = colors.map(|colors| colors.values.classes());
    let mut paths: BTreeMap<&str, Vec<(i32, i32)>> = BTreeMap::new();
    for at in 0..shown.places.len() {
        let class = classes
            .as_ref()
            .map_or("g0", |classes| classes[at].as_str());
        let [x, y] = place(at).map(|x| (2.0 * x).round() as i32);
        paths.entry(class).or_default().push((x, y));
    }
    svg.push_str("<g class=\"points\" transform=\"scale(.5)\">\n");
    for (class, mut points) in paths {
        points.sort_unstable_by_key(|&(x, y)| (y / 16, x, y));
        points.dedup();
        write!(svg, "<path class=\"{class}\" d=\"")?;
        let mut last = (0, 0);
        for (x, y) in points {
            let (dx, dy) = (x - last.0, y - last.1);
            let between = if dy < 0 { "" } else { " " };
            write!(svg, "m{dx}{between}{dy}h0")?;
            last = (x, y);
        }
        svg.push_str("\"/>\n");
    }
    svg.push_str("</g>\n");
    Ok(())
}

/// What colours mean.
fn key(svg: &mut String, colors: &Colors, y: f32) -> Result<()> {
    let mut x = MARGIN;
    let text = |svg: &mut String, x: &mut f32, text: &str| -> Result<()> {
        let y = y + 10.0;
        writeln!(
            svg,
            "<text class=\"note\" x=\"{x:.0}\" y=\"{y:.0}\">{}</text>",
            escaped(text)
        )?;
        *x += text.chars().count() as f32 * 7.0 + 10.0;
        Ok(())
    };
    let swatch = |svg: &mut String, x: &mut f32, class: &str, wide: f32| -> Result<()> {
        writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{x:.0}\" y=\"{y:.0}\" width=\"{wide}\" height=\"12\"/>"
        )?;
        *x += wide;
        Ok(())
    };
    text(svg, &mut x, &format!("{}:", colors.name))?;
    match &colors.values {
        Values::Numbers(numbers) => {
            let (low, high) = Values::range(numbers);
            text(svg, &mut x, &format!("{low:.4} or less"))?;
            for step in 0..STEPS {
                swatch(svg, &mut x, &format!("s{step}"), 22.0)?;
            }
            x += 8.0;
            text(svg, &mut x, &format!("{high:.4} or more"))?;
        }
        Values::Groups(_, names) => {
            for (at, name) in names.iter().enumerate() {
                swatch(svg, &mut x, &format!("g{at}"), 12.0)?;
                x += 5.0;
                text(svg, &mut x, name)?;
            }
        }
    }
    Ok(())
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // XML has no way to write these.
            char if char.is_control() => escaped.push(' '),
            char => escaped.push(char),
        }
    }
    escaped
}

/// Colours that are told apart by whoever sees fewer of them: those of Okabe and Ito for groups,
/// viridis for numbers.
const STYLE: &str = concat!(
    include_str!("colors.css"),
    ".page{fill:var(--page)}text{font:12px system-ui,sans-serif;fill:var(--ink)}\
     .title{font-size:18px;font-weight:600}.note{fill:var(--mute)}\
     .points{fill:none;stroke-width:5;stroke-linecap:round;stroke-opacity:.7}\
     text.name,text.near,text.mark{paint-order:stroke;stroke:var(--page);stroke-width:3px;\
     stroke-linejoin:round}.mark{fill:var(--accent)}text.mark{font-weight:700}\
     circle.mark{fill:none;stroke:var(--accent);stroke-width:2}circle.near{fill:var(--accent)}\
     path.g0{stroke:var(--g0)}path.g1{stroke:var(--g1)}path.g2{stroke:var(--g2)}\
     path.g3{stroke:var(--g3)}path.g4{stroke:var(--g4)}path.g5{stroke:var(--g5)}\
     path.g6{stroke:var(--g6)}path.g7{stroke:var(--g7)}path.s0{stroke:var(--s0)}\
     path.s1{stroke:var(--s1)}path.s2{stroke:var(--s2)}path.s3{stroke:var(--s3)}\
     path.s4{stroke:var(--s4)}path.s5{stroke:var(--s5)}path.s6{stroke:var(--s6)}\
     path.s7{stroke:var(--s7)}rect.g0{fill:var(--g0)}rect.g1{fill:var(--g1)}\
     rect.g2{fill:var(--g2)}rect.g3{fill:var(--g3)}rect.g4{fill:var(--g4)}\
     rect.g5{fill:var(--g5)}rect.g6{fill:var(--g6)}rect.g7{fill:var(--g7)}\
     rect.s0{fill:var(--s0)}rect.s1{fill:var(--s1)}rect.s2{fill:var(--s2)}\
     rect.s3{fill:var(--s3)}rect.s4{fill:var(--s4)}rect.s5{fill:var(--s5)}\
     rect.s6{fill:var(--s6)}rect.s7{fill:var(--s7)}"
);
