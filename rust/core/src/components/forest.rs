/// Disjoint sets of numbers; the smallest member stands for its set.
#[derive(Debug, Default)]
pub(crate) struct Forest {
    parents: Vec<u32>,
}

impl Forest {
    /// One set for each number below `size`.
    pub(crate) fn singles(size: u32) -> Self {
        Self { parents: (0..size).collect() }
    }

    /// Makes one set of those of `a` and `b`.
    pub(crate) fn join(&mut self, a: u32, b: u32) {
        if self.parents[a as usize] == self.parents[b as usize] {
            return;
        }
        let (a, b) = (self.root(a), self.root(b));
        let (low, high) = if a < b { (a, b) } else { (b, a) };
        self.parents[high as usize] = low;
    }

    fn root(&mut self, mut member: u32) -> u32 {
        loop {
            let parent = self.parents[member as usize];
            if parent == member {
                return member;
            }
            let above = self.parents[parent as usize];
            self.parents[member as usize] = above;
            member = above;
        }
    }

    /// The set of each member, sets counted from 0 by their smallest member; and how many there are.
    pub(crate) fn numbered(mut self) -> (Vec<u32>, u32) {
        let mut count = 0;
        for member in 0..self.parents.len() {
            let parent = self.parents[member] as usize;
            if parent == member {
                self.parents[member] = count;
                count += 1;
            } else {
                // A parent is smaller than its child, so it already holds its number.
                self.parents[member] = self.parents[parent];
            }
        }
        (self.parents, count)
    }
}

#[cfg(test)]
mod tests {
    use super::Forest;

    #[test]
    fn sets_are_numbered_by_their_smallest_member() {
        let mut forest = Forest::singles(6);
        forest.join(5, 1);
        forest.join(4, 2);
        forest.join(2, 5);
        assert_eq!(forest.numbered(), (vec![0, 1, 1, 2, 1, 1], 3));
    }
}
