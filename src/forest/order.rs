//! The order of the nodes of trees in a file: a parent behind its children, the smaller half first,
//! as a build leaves them. Where items were inserted one by one, the nodes of a tree lie anywhere.

use super::roots::Roots;
use super::trees::{Node, Trees};
use crate::error::{reserve, Error, Result};
use crate::layout::Nodes;
use crate::memory;

/// Which node stands at which place.
pub struct Order {
    ids: Vec<usize>,
    /// The place of each, counted from the first node of the trees.
    places: Vec<usize>,
}

impl Order {
    /// Of the trees with these roots, which are nodes of them.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::NoMemory`].
    pub fn new(nodes: &Nodes<'_>, roots: &Roots, own_roots: &[usize]) -> Result<Self> {
        let trees = Trees::new(nodes, roots);
        let first = roots.trees.start;
        let mut ids = memory::with_room(roots.trees.len())?;
        let mut places = memory::filled(0, roots.trees.len())?;
        let mut visits = trees.visits();
        let mut open = Vec::new();
        let count = |id: usize| nodes.get(id).n_descendants();
        for &root in own_roots {
            memory::push(&mut open, (root, false))?;
            while let Some((id, are_children_placed)) = open.pop() {
                if !are_children_placed {
                    match trees.visit(id, &mut visits)? {
                        Node::Item | Node::Missing => continue,
                        Node::Leaf(_) => {}
                        Node::Split(split) => {
                            let children = [split.child(0)?, split.child(1)?];
                            let smaller = usize::from(count(children[0]) > count(children[1]));
                            reserve(&mut open, 3)?;
                            open.push((id, true));
                            open.push((children[1 - smaller], false));
                            open.push((children[smaller], false));
                            continue;
                        }
                    }
                }
                if ids.len() == roots.trees.len() {
                    return Err(Error::corrupt(
                        id,
                        "its trees have more nodes than there are",
                    ));
                }
                places[id - first] = ids.len();
                ids.push(id);
            }
        }
        match ids.len() == roots.trees.len() {
            true => Ok(Order { ids, places }),
            false => Err(Error::corrupt(first, "there are nodes that are in no tree")),
        }
    }

    /// The node at a place.
    pub fn id(&self, place: usize) -> usize {
        self.ids[place]
    }

    /// The place of a node; both are counted from the first node of the trees.
    pub fn place(&self, node: usize) -> usize {
        self.places[node]
    }
}
