//! Writes every sample page into a folder, to be looked at in a browser: `cargo run -p patchwright-web --example gallery -- DIR`.

use std::path::Path;

use patchwright_web::pages::samples::{Plain, all};
use patchwright_web::view::frame::Theme;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args().nth(1).unwrap_or_else(|| "target/gallery".to_owned());
    let dir = Path::new(&dir);
    std::fs::create_dir_all(dir)?;
    std::fs::write(dir.join("app.css"), include_str!("../assets/app.css"))?;
    for rows in [0, 1, 30, 1_000] {
        for theme in [Theme::Light, Theme::Dark] {
            for (name, html) in all(rows, theme, &Plain)? {
                let html = html
                    .replace("/assets/app.css", "app.css")
                    .replace("/assets/app.js", "")
                    .replace("/assets/icon.svg", "");
                std::fs::write(dir.join(format!("{name}-{rows}-{}.html", theme.word())), html)?;
            }
        }
    }
    Ok(())
}
