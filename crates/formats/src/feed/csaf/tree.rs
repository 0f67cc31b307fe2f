//! The product tree of a CSAF document (CSAF 2.0 and 2.1, section 3.2.2): nested branches, products with their helpers, and
//! relationships that make one product of two.

use std::collections::HashMap;

use patchwright_domain::exposure::cpe::Cpe;
use patchwright_domain::exposure::vex::{Identity, Purl};
use serde_json::Value;

use crate::vex::purl_of;

/// Steps from a composed product to its leaves that are followed; real documents have two.
const CHAIN_MAX: u8 = 8;

/// A product of the tree.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    id: String,
    pub(crate) name: String,
    pub(crate) purls: Vec<Purl>,
    pub(crate) cpe: Option<Cpe>,
    /// Digests, serial numbers, models and stock keys.
    pub(crate) other_ids: Vec<Identity>,
    pub(crate) vendor: Option<String>,
    pub(crate) family: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) range: Option<String>,
    component: Option<String>,
    platform: Option<String>,
}

impl Node {
    /// Every spelling of the product.
    pub(crate) fn identities(&self) -> Vec<Identity> {
        let mut ids: Vec<Identity> = self.purls.iter().cloned().map(Identity::Purl).collect();
        ids.extend(self.cpe.iter().map(|name| Identity::Cpe { name: name.clone() }));
        ids.extend(self.other_ids.iter().cloned());
        if ids.is_empty() {
            ids.push(Identity::Name { name: self.name.clone() });
            if self.id != self.name {
                ids.push(Identity::Name { name: self.id.clone() });
            }
        }
        ids
    }
}

/// A product followed to its parts.
#[derive(Clone, Debug)]
pub(crate) struct Resolved<'a> {
    /// The component itself.
    pub(crate) leaf: &'a Node,
    /// What it is a component of, the innermost first, without the platform (rpm modules).
    pub(crate) between: Vec<&'a Node>,
    /// The product that all of it is a part of.
    pub(crate) platform: Option<&'a Node>,
}

/// What is odd: where, what, the offending value.
pub(crate) type Say<'s> = &'s mut dyn FnMut(&str, &str, &Value);

/// All products of one document.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    nodes: HashMap<String, Node>,
    groups: HashMap<String, Vec<String>>,
}

#[derive(Clone, Default)]
struct Path {
    vendor: Option<String>,
    family: Option<String>,
    product: Option<String>,
    version: Option<String>,
    range: Option<String>,
}

impl Tree {
    pub(crate) fn read(value: &Value, say: Say<'_>) -> Self {
        let mut tree = Self::default();
        if value.is_null() {
            return tree;
        }
        for branch in list(value, "branches") {
            tree.branch(branch, &Path::default(), say);
        }
        for product in list(value, "full_product_names") {
            tree.product(product, &Path::default(), say);
        }
        for relation in list(value, "relationships") {
            let ends = text(relation, "product_reference").zip(text(relation, "relates_to_product_reference"));
            let name = relation.get("full_product_name").unwrap_or(&Value::Null);
            match (ends, tree.product(name, &Path::default(), say)) {
                (Some((component, platform)), Some(id)) => {
                    if let Some(node) = tree.nodes.get_mut(&id) {
                        node.component = Some(component.to_owned());
                        node.platform = Some(platform.to_owned());
                    }
                }
                (None, Some(_)) => say("/product_tree/relationships", "relationship lacks one of its ends", relation),
                (_, None) => {}
            }
        }
        for group in list(value, "product_groups") {
            if let Some(id) = text(group, "group_id") {
                let members = list(group, "product_ids").filter_map(Value::as_str).map(str::to_owned).collect();
                tree.groups.insert(id.to_owned(), members);
            }
        }
        tree
    }

    /// How many products there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The depth of recursion is the JSON reader's: 128.
    fn branch(&mut self, branch: &Value, above: &Path, say: Say<'_>) {
        let mut path = above.clone();
        let name = text(branch, "name").map(str::to_owned);
        if !branch.is_object() {
            say("/product_tree/branches", "branch is not an object", branch);
            return;
        }
        match text(branch, "category").unwrap_or_default() {
            "vendor" => path.vendor = name,
            "product_family" => path.family = name,
            "product_name" => path.product = name,
            "product_version" | "patch_level" | "service_pack" => path.version = name,
            "product_version_range" => path.range = name,
            _other => {}
        }
        if let Some(product) = branch.get("product") {
            self.product(product, &path, say);
        }
        for inner in list(branch, "branches") {
            self.branch(inner, &path, say);
        }
    }

    fn product(&mut self, value: &Value, path: &Path, say: Say<'_>) -> Option<String> {
        let Some(id) = text(value, "product_id").map(str::to_owned) else {
            say("/product_tree", "product has no id", value);
            return None;
        };
        let helper = value.get("product_identification_helper").unwrap_or(&Value::Null);
        let mut node = Node {
            id: id.clone(),
            name: text(value, "name").unwrap_or(&id).to_owned(),
            vendor: path.vendor.clone(),
            family: path.family.clone(),
            product: path.product.clone(),
            version: path.version.clone(),
            range: path.range.clone(),
            ..Node::default()
        };
        for written in text(helper, "purl").into_iter().chain(list(helper, "purls").filter_map(Value::as_str)) {
            match purl_of(written) {
                Some(purl) => node.purls.push(purl),
                None => say("/product_tree", "package URL cannot be read", &Value::from(written)),
            }
        }
        if let Some(written) = text(helper, "cpe") {
            node.cpe = Cpe::parse(written).ok();
            if node.cpe.is_none() {
                say("/product_tree", "CPE name cannot be read", &Value::from(written));
            }
        }
        for hash in list(helper, "hashes").flat_map(|hash| list(hash, "file_hashes")) {
            if let Some((algorithm, digest)) = text(hash, "algorithm").zip(text(hash, "value")) {
                node.other_ids.push(crate::vex::hash_id(algorithm, digest));
            }
        }
        for key in ["serial_numbers", "model_numbers", "skus"] {
            let names = list(helper, key).filter_map(Value::as_str);
            node.other_ids.extend(names.map(|name| Identity::Name { name: name.to_owned() }));
        }
        self.nodes.insert(id.clone(), node);
        Some(id)
    }

    /// Follows a product to its parts; nothing when the document does not define it.
    pub(crate) fn resolve(&self, id: &str) -> Option<Resolved<'_>> {
        self.follow(id, CHAIN_MAX).or_else(|| {
            // Some publishers use composed ids without the relationship that would define them.
            id.match_indices(':').find_map(|(at, _)| {
                let platform = self.follow(id.get(..at)?, CHAIN_MAX)?;
                let component = self.follow(id.get(at + 1..)?, CHAIN_MAX)?;
                Some(join(component, platform))
            })
        })
    }

    fn follow(&self, id: &str, steps: u8) -> Option<Resolved<'_>> {
        let node = self.nodes.get(id)?;
        let alone = Resolved { leaf: node, between: Vec::new(), platform: None };
        let (Some(component), Some(platform)) = (&node.component, &node.platform) else {
            return Some(alone);
        };
        let Some(fewer) = steps.checked_sub(1) else {
            return Some(alone);
        };
        let Some(component) = self.follow(component, fewer) else {
            return Some(alone);
        };
        Some(match self.follow(platform, fewer) {
            Some(platform) => join(component, platform),
            None => component,
        })
    }

    /// The products of `product_ids` and `group_ids` of an entry.
    pub(crate) fn members<'v>(&'v self, entry: &'v Value) -> impl Iterator<Item = &'v str> {
        let direct = list(entry, "product_ids").filter_map(Value::as_str);
        let grouped = list(entry, "group_ids")
            .filter_map(Value::as_str)
            .filter_map(|id| self.groups.get(id))
            .flatten()
            .map(String::as_str);
        direct.chain(grouped)
    }
}

fn join<'a>(component: Resolved<'a>, outer: Resolved<'a>) -> Resolved<'a> {
    let mut between = component.between;
    match outer.platform {
        Some(platform) => {
            between.push(outer.leaf);
            between.extend(outer.between);
            Resolved { leaf: component.leaf, between, platform: Some(platform) }
        }
        None => Resolved { leaf: component.leaf, between, platform: Some(outer.leaf) },
    }
}

/// The text of a field, trimmed, when it is one and not empty.
pub(crate) fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// The items of a list field.
pub(crate) fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}
