//! The README that lies beside the data: where each table is from and what is missing.

use super::Manifest;

const INTRO: &str = "\
# Starter vulnerability data

Facts for a first answer on a machine without a network: ids, packages, versions, scores, vectors and dates. No titles,
no descriptions, no exploit code. **Incomplete and ageing by design**: every answer that rests on it says so and shows its
date; `patchwright feed sync` replaces it with the publishers' own data.

Made by `cargo xtask starter`; do not edit. `cargo xtask starter --check` verifies the hashes in [manifest.json](manifest.json).
Files are tab-separated text with a header line, rows sorted, packed with zstd.
";

const UNVERIFIED: &str = "
**Two licences are not verified.** Those of the Metasploit Framework and of the nuclei templates stand here from memory: the copies that
these tables were made from carried no licence file. The tables hold facts alone (ids, module names, ranks, dates, vectors).
Read the licence in the publisher's repository before passing these files on.
";

const LEFT_OUT: &str = "
## Left out, and why

- Public proof-of-concept link counts (Trickest) and Exploit-DB titles: no licence that we have seen allows copying them.
- CVSS vectors from CISA's CSAF documents: the copy we read carries no licence file. They come in with the live feed.
- CVSS scores of Ubuntu: under a share-alike licence, and scores without their vectors.
- Language package advisories (PyPA, RustSec, Go, Bitnami) and older Debian releases: they are read from their home feeds.

## What this means for a reader

- No row about a package is **not** the same as \"not affected\". The product says *unknown* where it has no data.
- No score is not a score of zero. Scores are recomputed from their vectors; `published_score` only shows where the
  publisher printed another number.
- A CVE that a Debian changelog does not name is not found by this set. Which ones, nobody can list; one is known by
  name above.
";

/// The whole text.
pub(crate) fn readme(manifest: &Manifest) -> String {
    let mut text = String::from(INTRO);
    text.push_str(
        "\n## Tables\n\n| file | what | publisher | home | date | rows | licence |\n|---|---|---|---|---|---|---|\n",
    );
    for f in &manifest.files {
        text.push_str(&format!(
            "| `{}` | {} | {} | <{}> | {} | {} | {} |\n",
            f.file, f.source, f.publisher, f.home, f.date, f.rows, f.licence
        ));
    }
    text.push_str(UNVERIFIED);
    text.push_str("\n## Columns\n\n| file | columns |\n|---|---|\n");
    for f in &manifest.files {
        text.push_str(&format!("| `{}` | {} |\n", f.file, f.columns.join(", ")));
    }
    text.push_str("\n## Known gaps\n\n");
    for f in &manifest.files {
        text.push_str(&format!("- `{}`: {}.\n", f.file, f.gaps));
    }
    text.push_str("\n## Attribution\n\n");
    for f in &manifest.files {
        text.push_str(&format!("- `{}`: {}.\n", f.file, f.attribution));
    }
    text.push_str(LEFT_OUT);
    text
}
