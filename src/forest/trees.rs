//! Nodes as they are walked. A file may hold anything, so every node of a tree is decoded and
//! checked here.

use super::roots::Roots;
use crate::error::Error;
use crate::layout::{NodeRef, Nodes};
use crate::metric::{Query, Space};
use crate::query::scorer::Scorer;
use std::fmt;

/// The nodes of an index, and where its trees are among them.
#[derive(Clone, Copy)]
pub struct Trees<'a> {
    nodes: &'a Nodes<'a>,
    roots: &'a Roots,
}

/// What a node is.
pub enum Node<'a> {
    Item,
    /// An id without an item.
    Missing,
    Leaf(Leaf<'a>),
    Split(Split<'a>),
}

/// A node that names items.
#[derive(Clone, Copy)]
pub struct Leaf<'a> {
    id: usize,
    node: NodeRef<'a>,
    len: usize,
    n_items: usize,
}

/// A node that names two others.
#[derive(Clone, Copy)]
pub struct Split<'a> {
    id: usize,
    node: NodeRef<'a>,
    /// Ids of its children are less.
    end: usize,
}

/// How many nodes of trees a walk may still visit. A tree reaches each of its nodes once, from its
/// parent, so more visits than there are nodes mean a circle. (It reaches items more often, and
/// their paths end there.)
pub struct Visits {
    left: usize,
}

/// What a node holds that it cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsound {
    /// The node.
    pub node: usize,
    /// What is wrong with it.
    pub fault: NodeFault,
}

/// What can be wrong with a node of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeFault {
    /// An item's count of descendants is neither 1 nor 0.
    NoItem(i64),
    /// It is named, and lies between the items and the trees.
    NoTree,
    /// Its count of descendants is negative.
    Count(i64),
    /// It names an item that it cannot, and the end of those it can.
    NamesItem(i64, usize),
    /// Likewise a node.
    NamesNode(i64, usize),
    /// Its split is by a bit that vectors do not have.
    Bit,
    /// A walk came to it too often.
    Circle,
}

impl fmt::Display for NodeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            NodeFault::NoItem(n) => write!(f, "it is no item: it counts {n} descendants"),
            NodeFault::NoTree => write!(f, "it is named, but is no node of a tree"),
            NodeFault::Count(n) => write!(f, "it counts {n} descendants"),
            NodeFault::NamesItem(id, end) => {
                write!(f, "it names item {id}, expected 0 to {}", end as i128 - 1)
            }
            NodeFault::NamesNode(id, end) => {
                write!(f, "it names node {id}, expected 0 to {}", end as i128 - 1)
            }
            NodeFault::Bit => write!(f, "its split names a bit that is not there"),
            NodeFault::Circle => write!(f, "its tree runs in a circle"),
        }
    }
}

impl From<Unsound> for Error {
    #[cold]
    fn from(Unsound { node, fault }: Unsound) -> Self {
        Error::corrupt(node, format!("{fault}"))
    }
}

impl<'a> Trees<'a> {
    pub fn new(nodes: &'a Nodes<'a>, roots: &'a Roots) -> Self {
        Trees { nodes, roots }
    }

    /// The start of a walk.
    pub fn visits(&self) -> Visits {
        Visits {
            left: self.nodes.count(),
        }
    }

    /// A node; `id` is less than the number of nodes.
    ///
    /// # Errors
    /// What it holds that it cannot.
    #[inline]
    pub fn node(&self, id: usize) -> Result<Node<'a>, Unsound> {
        self.roots.decode(id, self.nodes.get(id))
    }

    /// The next node of a walk.
    ///
    /// # Errors
    /// As [`node`](Self::node), or that the walk came to more nodes than there are.
    #[inline]
    pub fn visit(&self, id: usize, visits: &mut Visits) -> Result<Node<'a>, Unsound> {
        let node = self.node(id)?;
        if let Node::Leaf(_) | Node::Split(_) = node {
            let left = visits.left.checked_sub(1);
            let fault = NodeFault::Circle;
            visits.left = left.ok_or(Unsound { node: id, fault })?;
        }
        Ok(node)
    }

    /// Whether an item that a leaf names is there: files by Annoy name missing ones too.
    #[inline]
    pub fn is_present(&self, item: usize) -> bool {
        self.nodes.get(item).n_descendants() == 1
    }
}

impl Roots {
    /// What the node with this id is.
    ///
    /// # Errors
    /// What it holds that it cannot.
    #[inline]
    pub fn decode<'n>(&self, id: usize, node: NodeRef<'n>) -> Result<Node<'n>, Unsound> {
        let unsound = |fault| Err(Unsound { node: id, fault });
        let n_items = self.n_items;
        match node.n_descendants() {
            n if id < n_items => match n {
                0 => Ok(Node::Missing),
                1 => Ok(Node::Item),
                _ => unsound(NodeFault::NoItem(n)),
            },
            _ if id < self.trees.start => unsound(NodeFault::NoTree),
            n if n < 0 => unsound(NodeFault::Count(n)),
            n if n <= node.layout().max_leaf as i64 => {
                let len = n as usize;
                Ok(Node::Leaf(Leaf {
                    id,
                    node,
                    len,
                    n_items,
                }))
            }
            // No child is a copy of a root.
            _ => Ok(Node::Split(Split {
                id,
                node,
                end: self.trees.end,
            })),
        }
    }
}

/// An id from a node, if it is less than `end`.
#[inline]
fn below(end: usize, id: i64) -> Option<usize> {
    usize::try_from(id).ok().filter(|&id| id < end)
}

impl Leaf<'_> {
    /// How many items it names.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The item at a place, which is less than [`len`](Self::len).
    ///
    /// # Errors
    /// That it names no item.
    #[inline]
    pub fn item(&self, place: usize) -> Result<usize, Unsound> {
        let id = self.node.child(place);
        below(self.n_items, id).ok_or(Unsound {
            node: self.id,
            fault: NodeFault::NamesItem(id, self.n_items),
        })
    }

    /// Whether it may name missing items: a leaf that is a root names all.
    pub fn names_all(&self) -> bool {
        self.len == self.n_items
    }
}

impl<'a> Split<'a> {
    /// Its plane is in there.
    #[inline]
    pub fn node(&self) -> NodeRef<'a> {
        self.node
    }

    /// The child on a side, 0 or 1: an item or a node of a tree.
    ///
    /// # Errors
    /// That it names no such node.
    #[inline]
    pub fn child(&self, side: usize) -> Result<usize, Unsound> {
        let id = self.node.child(side);
        below(self.end, id).ok_or(Unsound {
            node: self.id,
            fault: NodeFault::NamesNode(id, self.end),
        })
    }

    /// How far into each side an item lies: the larger is its own.
    ///
    /// # Errors
    /// That there is no such split.
    pub fn sides<S: Space>(&self, space: &S, item: &Query<'_, S::T>) -> Result<[u64; 2], Unsound> {
        let sides = space.descend(self.node, item, space.root_priority());
        let fault = NodeFault::Bit;
        sides.ok_or(Unsound {
            node: self.id,
            fault,
        })
    }

    /// Priorities of the children; see [`Scorer::descend`].
    ///
    /// # Errors
    /// That there is no such split.
    #[inline]
    pub fn priorities<S: Scorer + ?Sized>(
        &self,
        scorer: &S,
        priority: u64,
    ) -> Result<[u64; 2], Unsound> {
        let fault = NodeFault::Bit;
        let priorities = scorer.descend(self.node, priority);
        priorities.ok_or(Unsound {
            node: self.id,
            fault,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{Flavor, NodeLayout, NodeMut};
    use crate::types::{Metric, Options};

    /// Two items, a missing one, a gap, a leaf, a split, and the split's copy.
    struct Index {
        layout: NodeLayout,
        bytes: Vec<u8>,
        roots: Roots,
    }

    const GAP: usize = 3;
    const LEAF: usize = 4;
    const SPLIT: usize = 5;

    impl Index {
        fn new() -> Self {
            let layout = NodeLayout::new(Options::new(Metric::Angular, 1), Flavor::V117);
            assert_eq!(layout.max_leaf, 3);
            let roots = Roots {
                n_items: 3,
                n_nodes: 7,
                n_trees: 1,
                trees: LEAF..6,
            };
            let bytes = vec![0; 7 * layout.node_size];
            let mut index = Index {
                layout,
                bytes,
                roots,
            };
            for (id, n, children) in [
                (0, 1, [0, 0]),
                (2, 1, [0, 0]),
                (LEAF, 2, [0, 2]),
                (SPLIT, 4, [LEAF, 2]),
                (6, 4, [LEAF, 2]),
            ] {
                let mut node = index.node(id);
                node.set_n_descendants(n);
                node.set_child(0, children[0]);
                node.set_child(1, children[1]);
            }
            index
        }

        fn node(&mut self, id: usize) -> NodeMut<'_> {
            let size = self.layout.node_size;
            NodeMut::new(&mut self.bytes[id * size..][..size], &self.layout)
        }

        /// Sets a number of a node: its count of descendants, then its children.
        fn set(&mut self, id: usize, place: usize, value: i32) {
            let at = id * self.layout.node_size + 4 * place;
            self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }

        /// What the trees are good for.
        fn with<R>(&self, look: impl FnOnce(Trees<'_>) -> R) -> R {
            look(Trees::new(
                &Nodes::new(&self.bytes, &self.layout),
                &self.roots,
            ))
        }

        fn fault(&self, id: usize) -> Option<NodeFault> {
            self.with(|trees| trees.node(id).err().map(|unsound| unsound.fault))
        }
    }

    #[test]
    fn nodes_are_what_they_are() {
        Index::new().with(|trees| {
            assert!(matches!(trees.node(0), Ok(Node::Item)));
            assert!(matches!(trees.node(1), Ok(Node::Missing)));
            let Ok(Node::Leaf(leaf)) = trees.node(LEAF) else {
                panic!("a leaf")
            };
            assert_eq!((leaf.len(), leaf.item(0), leaf.item(1)), (2, Ok(0), Ok(2)));
            assert!(!leaf.names_all());
            for id in [SPLIT, 6] {
                let Ok(Node::Split(split)) = trees.node(id) else {
                    panic!("a split")
                };
                assert_eq!([split.child(0), split.child(1)], [Ok(LEAF), Ok(2)]);
            }
            assert!(trees.is_present(2) && !trees.is_present(1));
        });
    }

    #[test]
    fn counts_that_cannot_be_are_refused() {
        let mut index = Index::new();
        assert_eq!(index.fault(GAP), Some(NodeFault::NoTree));
        index.set(0, 0, 2);
        assert_eq!(index.fault(0), Some(NodeFault::NoItem(2)));
        index.set(LEAF, 0, -1);
        assert_eq!(index.fault(LEAF), Some(NodeFault::Count(-1)));
    }

    #[test]
    fn ids_that_cannot_be_are_refused() {
        let mut index = Index::new();
        index.set(LEAF, 2, 3);
        index.set(SPLIT, 1, 6);
        index.set(SPLIT, 2, -1);
        let refused = |node, fault| Err(Unsound { node, fault });
        index.with(|trees| {
            let (Ok(Node::Leaf(leaf)), Ok(Node::Split(split))) =
                (trees.node(LEAF), trees.node(SPLIT))
            else {
                panic!("a leaf and a split")
            };
            assert_eq!(
                [leaf.item(0), leaf.item(1)],
                [Ok(0), refused(LEAF, NodeFault::NamesItem(3, 3))]
            );
            assert_eq!(split.child(0), refused(SPLIT, NodeFault::NamesNode(6, 6)));
            assert_eq!(split.child(1), refused(SPLIT, NodeFault::NamesNode(-1, 6)));
        });
        let fault = NodeFault::NamesNode(-1, 6);
        let text = Error::from(Unsound { node: SPLIT, fault }).to_string();
        assert!(
            text.contains("node 5") && text.contains("-1, expected 0 to 5"),
            "{text}"
        );
    }

    #[test]
    fn walks_end() {
        Index::new().with(|trees| {
            let mut visits = trees.visits();
            for _ in 0..7 {
                assert!(trees.visit(SPLIT, &mut visits).is_ok());
                assert!(trees.visit(0, &mut visits).is_ok());
            }
            let fault = trees.visit(LEAF, &mut visits).err().map(|end| end.fault);
            assert_eq!(fault, Some(NodeFault::Circle));
            // Items end their paths, and are no matter.
            assert!(trees.visit(0, &mut visits).is_ok());
        });
    }
}
