//! Which file of a crate needs which, and who needs each other.

use super::imports::{Imports, Use};
use std::collections::{BTreeMap, BTreeSet};

/// A path through re-exports has no more steps than this.
const STEPS: usize = 8;

/// The files of one crate.
#[derive(Default)]
pub(super) struct Files {
    names: Vec<String>,
    modules: Vec<Vec<String>>,
    imports: Vec<Imports>,
    at: BTreeMap<Vec<String>, usize>,
}

impl Files {
    /// A file by its name within `src`.
    pub(super) fn add(&mut self, name: String, imports: Imports) {
        let stem = name.strip_suffix(".rs").unwrap_or(&name);
        let mut module: Vec<String> = stem.split('/').map(str::to_owned).collect();
        if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
            module.pop();
        }
        self.at.entry(module.clone()).or_insert(self.names.len());
        self.names.push(name);
        self.modules.push(module);
        self.imports.push(imports);
    }

    /// The files of the largest circle; none, where each can be read after those that it needs.
    pub(super) fn largest_circle(&self) -> Vec<String> {
        let needs: Vec<BTreeSet<usize>> = (0..self.names.len()).map(|file| self.needs(file)).collect();
        let reached: Vec<BTreeSet<usize>> = (0..needs.len()).map(|file| reached(&needs, file)).collect();
        let reaches = |from: usize, to: usize| reached.get(from).is_some_and(|all| all.contains(&to));
        let circle = |file: usize| {
            let back = move |other: &usize| reaches(*other, file);
            reached.get(file).into_iter().flatten().copied().filter(back).collect::<Vec<_>>()
        };
        let largest = (0..needs.len()).map(circle).max_by_key(Vec::len).unwrap_or_default();
        let mut names: Vec<String> =
            largest.into_iter().filter_map(|file| self.names.get(file).cloned()).collect();
        names.sort();
        names
    }

    /// The other files that this one needs.
    fn needs(&self, file: usize) -> BTreeSet<usize> {
        let is_door = self.names.get(file).is_some_and(|n| n.ends_with("mod.rs") || n.ends_with("lib.rs"));
        let uses = self.imports.get(file).map(|imports| imports.uses.as_slice()).unwrap_or_default();
        let needed = uses.iter().filter(|used| !(used.is_export && is_door));
        let defining = needed.filter_map(|used| self.defining(&self.absolute(file, &used.path)?, STEPS));
        defining.filter(|other| *other != file).collect()
    }

    /// A path from the crate's root; `None` for what is not of this crate.
    fn absolute(&self, file: usize, path: &[String]) -> Option<Vec<String>> {
        let here = self.modules.get(file)?.as_slice();
        let (first, rest) = path.split_first()?;
        let from = |base: &[String], rest: &[String]| Some([base, rest].concat());
        match first.as_str() {
            "crate" => from(&[], rest),
            "self" => from(here, rest),
            "super" => {
                let up = path.iter().take_while(|one| *one == "super").count();
                from(here.get(..here.len().saturating_sub(up))?, path.get(up..)?)
            }
            _ => {
                let all = [here, path].concat();
                self.at.contains_key(all.get(..=here.len())?).then_some(all)
            }
        }
    }

    /// The file that defines what a path names.
    fn defining(&self, path: &[String], steps: usize) -> Option<usize> {
        let (file, rest) =
            (0..=path.len()).rev().find_map(|n| Some((*self.at.get(path.get(..n)?)?, path.get(n..)?)))?;
        let Some((name, rest)) = rest.split_first() else { return Some(file) };
        let imports = self.imports.get(file)?;
        if imports.defines.contains(name) || steps == 0 {
            return Some(file);
        }
        let through = |used: &Use| {
            let path = self.absolute(file, &used.path)?;
            match used.name.as_deref() {
                Some("*") => {
                    let base = path.get(..path.len().checked_sub(1)?)?;
                    let found = self.defining(&[base, std::slice::from_ref(name)].concat(), steps - 1)?;
                    self.imports.get(found)?.defines.contains(name).then_some(found)
                }
                Some(known) if known == name => {
                    Some(self.defining(&[&path, rest].concat(), steps - 1).unwrap_or(file))
                }
                _ => None,
            }
        };
        // Absent: the file takes the name from elsewhere in a way that is not read here; then it is itself what is needed.
        Some(imports.uses.iter().find_map(through).unwrap_or(file))
    }
}

/// The files that this one needs, and those that they need.
fn reached(needs: &[BTreeSet<usize>], file: usize) -> BTreeSet<usize> {
    let (mut found, mut next) = (BTreeSet::new(), vec![file]);
    while let Some(one) = next.pop() {
        next.extend(needs.get(one).into_iter().flatten().copied().filter(|other| found.insert(*other)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::imports::read;
    use super::*;

    fn circle(files: &[(&str, &str)]) -> Vec<String> {
        let mut all = Files::default();
        for (name, text) in files {
            all.add((*name).to_owned(), read(text));
        }
        all.largest_circle()
    }

    #[test]
    fn files_that_need_each_other_are_a_circle() {
        let (a, b, c) =
            ("use crate::b::B;\npub struct A;", "use crate::c::C;\npub struct B;", "pub struct C;");
        assert_eq!(circle(&[("a.rs", a), ("b.rs", b), ("c.rs", c)]), Vec::<String>::new());
        let c = "pub struct C(crate::a::A);";
        assert_eq!(circle(&[("a.rs", a), ("b.rs", b), ("c.rs", c)]), ["a.rs", "b.rs", "c.rs"]);
    }

    #[test]
    fn a_name_counts_where_it_is_defined_and_a_re_export_needs_nothing() {
        let lib = "pub mod a;\npub mod b;\npub use a::A;\npub use b::*;";
        let (a, b) = ("use crate::B;\npub struct A;", "pub struct B;");
        assert_eq!(circle(&[("a.rs", a), ("b.rs", b), ("lib.rs", lib)]), Vec::<String>::new());
        let b = "use crate::A as Other;\npub struct B;";
        assert_eq!(circle(&[("a.rs", a), ("b.rs", b), ("lib.rs", lib)]), ["a.rs", "b.rs"]);
    }

    #[test]
    fn a_module_and_what_is_in_it_can_be_a_circle() {
        let (module, inner) = ("mod b;\nuse b::B;\npub struct A;", "use super::A;\npub struct B;");
        assert_eq!(circle(&[("a/mod.rs", module), ("a/b.rs", inner)]), ["a/b.rs", "a/mod.rs"]);
        assert_eq!(circle(&[("a.rs", module), ("a/b.rs", inner)]), ["a.rs", "a/b.rs"]);
    }

    #[test]
    fn the_largest_of_several_is_given() {
        let two = [("a.rs", "use crate::b::B;\nstruct A;"), ("b.rs", "use crate::a::A;\nstruct B;")];
        let one = [("c.rs", "use crate::d::D;"), ("d.rs", "struct D;")];
        assert_eq!(circle(&[two, one].concat()), ["a.rs", "b.rs"]);
    }
}
