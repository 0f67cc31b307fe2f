//! Which kernel GRUB takes next, from `grub.cfg`, the environment block and Boot Loader Specification entries.
//!
//! Only what the usual generators write is understood (`grub-mkconfig`, `blscfg`); anything else gives no answer rather
//! than a guess.

use std::collections::BTreeMap;

/// Menu nesting followed; generators write one level of submenus.
const DEPTH_MAX: usize = 8;

/// A menu entry or a submenu.
#[derive(Debug, Default, PartialEq, Eq)]
struct Node {
    title: String,
    id: Option<String>,
    /// Kernel release of an entry that loads one.
    release: Option<String>,
    children: Vec<Node>,
}

/// Reads the environment block: `name=value` lines, padded with `#`.
pub(crate) fn environment(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

/// The default entry as `grub.cfg` computes it: a one-time choice first, then the saved entry or a fixed one.
fn default_entry(config: &str, env: &BTreeMap<String, String>) -> Option<String> {
    let variable = |name: &str| env.get(name).filter(|value| !value.is_empty()).cloned();
    let mut chosen = None;
    for line in config.lines() {
        let Some(value) = line.trim().strip_prefix("set default=") else {
            continue;
        };
        let value = value.trim_matches(['"', '\'']);
        if value == "${next_entry}" {
            if let Some(once) = variable("next_entry") {
                return Some(once);
            }
        } else if value == "${saved_entry}" {
            chosen = Some(variable("saved_entry").unwrap_or_else(|| "0".to_owned()));
        } else if !value.contains('$') {
            chosen = Some(value.to_owned());
        }
    }
    chosen
}

/// Release of the kernel that the default entry loads.
pub(crate) fn next_release(config: &str, env: &BTreeMap<String, String>) -> Option<String> {
    let menu = menu(config);
    let wanted = default_entry(config, env)?;
    let mut level = &menu;
    let mut found = None;
    // A whole title may contain `>`; otherwise it separates the levels.
    let steps: Vec<&str> =
        if pick(level, &wanted).is_some() { vec![&wanted] } else { wanted.split('>').map(str::trim).collect() };
    for step in steps.into_iter().take(DEPTH_MAX) {
        let node = pick(level, step)?;
        level = &node.children;
        found = Some(node);
    }
    let mut node = found?;
    for _ in 0..DEPTH_MAX {
        match node.children.first() {
            // A submenu as default opens and takes its first entry.
            Some(first) => node = first,
            None => break,
        }
    }
    node.release.clone()
}

/// GRUB takes a number as position, anything else as id or title.
fn pick<'a>(level: &'a [Node], wanted: &str) -> Option<&'a Node> {
    level
        .iter()
        .find(|node| node.id.as_deref() == Some(wanted) || node.title == wanted)
        .or_else(|| level.get(wanted.parse::<usize>().ok()?))
}

/// The menu of a configuration.
fn menu(config: &str) -> Vec<Node> {
    let mut open: Vec<Node> = Vec::new();
    let mut top = Vec::new();
    // Blocks other than entries (functions, conditions) also close with a brace; they are counted, not kept.
    let mut inner: Vec<usize> = Vec::new();
    for line in config.lines().map(str::trim) {
        let head = line.starts_with("menuentry ") || line.starts_with("submenu ");
        if head && line.ends_with('{') {
            open.push(head_of(line));
            inner.push(0);
        } else if line == "}" {
            match inner.last_mut() {
                Some(0) => {
                    inner.pop();
                    if let Some(node) = open.pop() {
                        open.last_mut().map_or(&mut top, |parent| &mut parent.children).push(node);
                    }
                }
                Some(depth) => *depth -= 1,
                None => {}
            }
        } else {
            if line.ends_with('{')
                && let Some(depth) = inner.last_mut()
            {
                *depth += 1;
            }
            if let Some(node) = open.last_mut()
                && let Some(release) = loaded_release(line)
            {
                node.release.get_or_insert(release);
            }
        }
    }
    top
}

/// Title and id of `menuentry 'TITLE' … $menuentry_id_option 'ID' {`.
fn head_of(line: &str) -> Node {
    let words = words(line);
    let title = words.get(1).cloned().unwrap_or_default();
    let id = words
        .iter()
        .position(|word| word == "$menuentry_id_option" || word == "--id")
        .and_then(|at| words.get(at + 1))
        .cloned();
    Node { title, id, ..Node::default() }
}

/// Words of a line in shell quoting, as far as generators use it.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, ' ' | '\t') => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Release in `linux /boot/vmlinuz-RELEASE root=…`.
fn loaded_release(line: &str) -> Option<String> {
    let mut words = line.split_ascii_whitespace();
    let command = words.next()?;
    if !["linux", "linuxefi", "linux16"].contains(&command) {
        return None;
    }
    release_of_image(words.next()?)
}

/// Release of a kernel image by its file name.
pub(crate) fn release_of_image(path: &str) -> Option<String> {
    let name = path.rsplit('/').next()?;
    ["vmlinuz-", "vmlinux-", "Image-", "zImage-"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .filter(|release| release.starts_with(|c: char| c.is_ascii_digit()))
        .map(str::to_owned)
}

/// Release of a Boot Loader Specification entry (`/boot/loader/entries/NAME.conf`, key `linux`).
pub(crate) fn release_of_entry(text: &str) -> Option<String> {
    text.lines()
        .filter_map(|line| line.split_once(char::is_whitespace))
        .find(|(key, _)| *key == "linux")
        .and_then(|(_, image)| release_of_image(image.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"
if [ -s $prefix/grubenv ]; then
  load_env
fi
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
else
   set default="DEFAULT"
fi
function load_video {
  insmod all_video
}
menuentry 'Acme GNU/Linux' --class acme $menuentry_id_option 'gnulinux-simple-1' {
        if [ x$grub_platform = xxen ]; then insmod xzio; fi
        linux   /boot/vmlinuz-6.1.0-56-amd64 root=UUID=1 ro quiet
        initrd  /boot/initrd.img-6.1.0-56-amd64
}
submenu 'Advanced options for Acme GNU/Linux' $menuentry_id_option 'gnulinux-advanced-1' {
        menuentry 'Acme, with Linux 6.1.0-56-amd64' --class acme $menuentry_id_option 'gnulinux-6.1.0-56-amd64-advanced-1' {
                linux   /boot/vmlinuz-6.1.0-56-amd64 root=UUID=1 ro quiet
        }
        menuentry 'Acme, with Linux 6.1.0-50-amd64' --class acme $menuentry_id_option 'gnulinux-6.1.0-50-amd64-advanced-1' {
                linux   /vmlinuz-6.1.0-50-amd64 root=UUID=1 ro quiet
        }
}
menuentry 'UEFI Firmware Settings' $menuentry_id_option 'uefi-firmware' {
        fwsetup
}
"#;

    fn next(default: &str, env: &str) -> Option<String> {
        next_release(&CONFIG.replace("DEFAULT", default), &environment(env))
    }

    #[test]
    fn the_default_is_found_by_position_title_id_and_path() {
        let new = Some("6.1.0-56-amd64".to_owned());
        let old = Some("6.1.0-50-amd64".to_owned());
        assert_eq!(next("0", ""), new);
        assert_eq!(next("1", ""), new);
        assert_eq!(next("1>1", ""), old);
        assert_eq!(next("gnulinux-advanced-1>gnulinux-6.1.0-50-amd64-advanced-1", ""), old);
        assert_eq!(next("Advanced options for Acme GNU/Linux>Acme, with Linux 6.1.0-50-amd64", ""), old);
        assert_eq!(next("Acme GNU/Linux", ""), new);
        assert_eq!(next("2", ""), None, "firmware setup loads no kernel");
        assert_eq!(next("7", ""), None);
        assert_eq!(next("${unknown}", ""), None);
    }

    #[test]
    fn the_environment_block_decides_where_the_configuration_says_so() {
        let old = Some("6.1.0-50-amd64".to_owned());
        let block = "# GRUB Environment Block\nsaved_entry=1>1\n########";
        assert_eq!(next("${saved_entry}", block), old);
        assert_eq!(next("${saved_entry}", ""), Some("6.1.0-56-amd64".to_owned()));
        assert_eq!(next("0", "next_entry=1>1\n"), old);
        assert_eq!(next("0", "next_entry=\n"), Some("6.1.0-56-amd64".to_owned()));
    }

    #[test]
    fn boot_loader_entries_name_their_image() {
        let entry = "title Acme\nversion 5.14.0-427.el9.x86_64\nlinux /vmlinuz-5.14.0-427.el9.x86_64\n";
        assert_eq!(release_of_entry(entry).as_deref(), Some("5.14.0-427.el9.x86_64"));
        assert_eq!(release_of_image("/boot/vmlinuz-lts"), None);
    }
}
