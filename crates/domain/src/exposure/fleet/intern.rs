//! Values that many hosts share, stored once and named by their place. A host is put in by looking seven hundred packages up, nearly all
//! of which are known already: looking up makes no copy.

use std::collections::HashMap;

use super::Component;

/// Values that are stored once and named by their place.
#[derive(Clone, Debug)]
pub(super) struct Interner<T> {
    pub(super) list: Vec<T>,
    pub(super) place: HashMap<T, u32>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { list: Vec::new(), place: HashMap::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Interner<T> {
    pub(super) fn intern(&mut self, value: T) -> u32 {
        if let Some(place) = self.place.get(&value) {
            return *place;
        }
        // Four billion distinct values do not fit in memory; the last place is never handed out.
        let place = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(value.clone());
        self.place.insert(value, place);
        place
    }
}

/// Binary packages, stored once.
#[derive(Default)]
pub(super) struct Components {
    pub(super) list: Vec<Component>,
    /// By name entry, binary, version and architecture, with a zero byte between.
    place: HashMap<Box<str>, u32>,
    look: String,
}

impl Components {
    /// The place of a component, made when it is new.
    pub(super) fn intern(&mut self, name: u32, binary: &str, version: &str, arch: &str) -> u32 {
        self.look.clear();
        for part in [binary, version, arch] {
            self.look.push_str(part);
            self.look.push('\0');
        }
        // Any text of the number will do; its bytes as characters are the shortest.
        self.look.extend(name.to_le_bytes().map(char::from));
        if let Some(place) = self.place.get(self.look.as_str()) {
            return *place;
        }
        let place = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(Component { name, binary: binary.into(), version: version.into(), arch: arch.into() });
        self.place.insert(self.look.as_str().into(), place);
        place
    }
}
