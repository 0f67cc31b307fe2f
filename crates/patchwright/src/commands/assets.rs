//! `inventory …`: what is said about assets here, hosts without an agent in the file beside it:
//! `import-assets|export-assets|missing|conflicts|asset-rules`.

use std::path::Path;

use patchwright_app::assets::{self, PlanRow, Verdict};
use patchwright_domain::intel::Problem;
use patchwright_formats::asset::csv::Mapping;
use patchwright_formats::asset::{AssetFormat, Assets, read};
use patchwright_formats::host::{DocumentKind, detect};

use super::input;
use super::local::{Place, block_on, ctx};
use crate::args::{self, Inventory};
use crate::exit::{Code, Failure, chain};
use crate::output::{self, Format};

/// Problems that are shown one by one; the count names all.
const PROBLEMS_SHOWN: usize = 20;

struct Import<'a> {
    file: &'a Path,
    format: Option<args::AssetFormat>,
    mapping: Option<Mapping>,
    source: Option<&'a str>,
    dry_run: bool,
    reason: Option<&'a str>,
    output: Format,
}

/// Runs it.
pub(crate) fn run(place: &Place, command: &Inventory) -> Result<Code, Failure> {
    match command {
        Inventory::ImportAssets { file, format, map, map_file, source, dry_run, reason, output } => {
            let mapping = mapping(map.as_deref(), map_file.as_deref())?;
            let (source, reason) = (source.as_deref(), reason.as_deref());
            import(
                place,
                &Import { file, format: *format, mapping, source, dry_run: *dry_run, reason, output: *output },
            )
        }
        Inventory::ExportAssets { map, map_file, output } => {
            let mapping = mapping(map.as_deref(), map_file.as_deref())?.unwrap_or_else(Mapping::plain);
            let records = block_on(async { Ok(assets::export(&place.open_to_read().await?, &ctx(None)).await?) })?;
            output::list(*output, &records, &mapping.headings(), |r| mapping.cells(r))?;
            Ok(Code::Ok)
        }
        Inventory::Missing { output } => {
            let rows = block_on(async { Ok(assets::missing(&place.open_to_read().await?, &ctx(None)).await?) })?;
            output::list(*output, &rows, &["name", "environment", "owner", "source", "imported"], |r| {
                let cells = [&r.name, &r.environment, &r.owner, &r.source, &r.imported];
                cells.into_iter().map(|c| output::clean(c)).collect()
            })?;
            Ok(Code::Ok)
        }
        Inventory::Conflicts { output } => {
            let rows =
                block_on(async { Ok(assets::identity_conflicts(&place.open_to_read().await?, &ctx(None)).await?) })?;
            output::list(*output, &rows, &["kind", "names", "why"], |r| {
                vec![r.kind.to_owned(), output::clean(&r.names.join(", ")), output::clean(&r.why)]
            })?;
            Ok(Code::Ok)
        }
        Inventory::AssetRules { file, dry_run, reason, output } => {
            let text = text(file)?;
            let rows = block_on(async {
                let env = place.open_to_read().await?;
                Ok(assets::rules_apply(&env, &ctx(reason.as_deref()), &text, *dry_run).await?)
            })?;
            plan_rows(*output, &rows)?;
            if !place.quiet {
                let done = if *dry_run { "would change" } else { "changed" };
                output::talk(&format!(
                    "{} hosts {done}",
                    rows.iter().filter(|r| r.verdict == Verdict::Changed).count()
                ));
            }
            Ok(Code::Ok)
        }
        Inventory::Import { dir, os, output } => super::inventory::import(place, dir, os.as_deref(), *output),
        Inventory::Playbook => super::inventory::playbook(),
    }
}

fn text(file: &Path) -> Result<String, Failure> {
    String::from_utf8(input::bytes(file)?)
        .map_err(|_| Failure::new(Code::Input, format!("`{}` is not UTF-8 text", file.display()), "save it as UTF-8"))
}

fn mapping(map: Option<&str>, file: Option<&Path>) -> Result<Option<Mapping>, Failure> {
    let hint = "write hostname=COLUMN,owner=COLUMN,… or a TOML file with a table `columns`";
    let read = match (map, file) {
        (Some(pairs), _) => Mapping::parse_pairs(pairs),
        (None, Some(file)) => Mapping::parse_toml(&text(file)?),
        (None, None) => return Ok(None),
    };
    read.map(Some).map_err(|e| Failure::new(Code::Usage, format!("the mapping cannot be used: {e}"), hint))
}

fn import(place: &Place, import: &Import<'_>) -> Result<Code, Failure> {
    let name = import.file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let format = match import.format {
        Some(args::AssetFormat::Csv) => AssetFormat::Csv,
        Some(args::AssetFormat::Ansible) => AssetFormat::Ansible,
        None if import.mapping.is_some() => AssetFormat::Csv,
        None => AssetFormat::of_name(&name),
    };
    let bytes = input::bytes(import.file)?;
    if let kind @ (DocumentKind::CycloneDx | DocumentKind::Spdx) = detect(&bytes, &name) {
        return Err(Failure::new(
            Code::Input,
            format!(
                "`{}` is a bill of materials ({kind}): it lists what an application or a host is made of, and no assets",
                import.file.display()
            ),
            "see what is wrong with what it lists: `patchwright scan FILE`. That of a host goes into a folder of the host's name, and \
             `patchwright inventory import FOLDER` takes it in",
        ));
    }
    let read = read(format, &bytes, import.mapping.as_ref()).map_err(|e| {
        Failure::new(
            Code::Input,
            format!("failed to read `{}`: {}", import.file.display(), chain(&e)),
            "say --format, or which column is what with --map hostname=COLUMN,…",
        )
    })?;
    let words = |problem: &Problem| output::clean(&problem.words());
    for problem in read.problems.iter().take(PROBLEMS_SHOWN) {
        output::talk(&words(problem));
    }
    if let more @ 1.. = read.problems.len().saturating_sub(PROBLEMS_SHOWN) {
        output::talk(&format!("{more} more problems"));
    }
    let source = import.source.unwrap_or(if name == "-" { "stdin" } else { &name });
    let plan = block_on(async {
        let env = place.open_to_read().await?;
        let ctx = ctx(import.reason);
        let plan = assets::import_plan(&env, &ctx, source, &read.records).await?;
        if !import.dry_run {
            assets::import_apply(&env, &ctx, &plan).await?;
        }
        Ok(plan)
    })?;
    plan_rows(import.output, &plan.rows)?;
    let kept = read.records.len();
    if !place.quiet {
        let counts = [Verdict::New, Verdict::Changed, Verdict::Conflict, Verdict::Unchanged]
            .map(|v| format!("{} {}", plan.count(v), v.word()));
        let done = match (import.dry_run, read.lost) {
            (true, _) => "nothing was written".to_owned(),
            (false, 0) => "written".to_owned(),
            (false, _) => format!("the {kept} that could be read were written"),
        };
        output::talk(&format!(
            "{} records: {}; {} lost, {} problems; {done}",
            read.seen,
            counts.join(", "),
            read.lost,
            read.problems.len()
        ));
    }
    left_out(&read, plan.count(Verdict::Conflict), import.dry_run)
}

/// A script has to learn that not everything is in: what is said of it is an error, what could be read is in all the same.
fn left_out(read: &Assets, conflicts: usize, dry_run: bool) -> Result<Code, Failure> {
    let mut what = Vec::new();
    if read.lost > 0 {
        what.push(format!("{} of {} records could not be read", read.lost, read.seen));
    }
    if read.refused > 0 {
        what.push(format!("{} values are none of their field", read.refused));
    }
    if conflicts > 0 {
        what.push(format!("{conflicts} records are in conflict and speak for no host"));
    }
    if what.is_empty() {
        return Ok(Code::Ok);
    }
    let (whole, rest) = (read.records.len().saturating_sub(conflicts), if dry_run { "would be" } else { "were" });
    Err(Failure::new(
        Code::Input,
        format!("{}; the {whole} records that could be used {rest} imported", what.join(", ")),
        "correct the places that are named above and import the whole document again: what is in already stays as it is",
    ))
}

fn plan_rows(format: Format, rows: &[PlanRow]) -> Result<(), Failure> {
    output::list(format, rows, &["verdict", "name", "host", "why"], |r| {
        let host = r.host.as_ref().map(ToString::to_string).unwrap_or_default();
        vec![r.verdict.word().to_owned(), output::clean(&r.name), host, output::clean(&r.why.join("; "))]
    })
}
