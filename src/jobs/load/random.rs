//! Chance: which request is next, when it is due, which values it has. With the same seed it is the same again.

/// A generator of numbers that look random (SplitMix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Streams of one seed with other numbers have nothing to do with each other.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut random = Random(seed ^ stream.wrapping_mul(0xd1b5_4a32_d192_ed03));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1, without 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From `least` to `most`, with both; nothing where `most` is less.
    pub fn between(&mut self, least: i64, most: i64) -> Option<i64> {
        let span = i128::from(most) - i128::from(least) + 1;
        let span = u128::try_from(span).ok().filter(|span| *span > 0)?;
        let at = (u128::from(self.next()) * span) >> 64;
        i64::try_from(i128::from(least) + i128::try_from(at).ok()?).ok()
    }

    /// A place in a list.
    pub fn place(&mut self, length: usize) -> usize {
        ((self.share() * length as f64) as usize).min(length.saturating_sub(1))
    }

    /// A place in a list of weights.
    pub fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let all = weights.clone().sum::<f64>();
        let mut left = self.share() * all;
        let mut last = 0;
        for (at, weight) in weights.enumerate() {
            last = at;
            left -= weight;
            if left < 0.0 {
                break;
            }
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spread_over_their_range() {
        let mut random = Random::new(1, 1);
        let mut counts = [0; 4];
        for _ in 0..4000 {
            counts[usize::try_from(random.between(-2, 1).unwrap() + 2).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
        assert_eq!(random.between(5, 5), Some(5));
        assert_eq!(random.between(5, 4), None);
        assert!(random.between(i64::MIN, i64::MAX).is_some());
    }

    #[test]
    fn weights_decide_how_often() {
        let mut random = Random::new(7, 0);
        let mut counts = [0; 3];
        for _ in 0..4000 {
            counts[random.weighted([1.0, 0.0, 3.0].into_iter())] += 1;
        }
        assert_eq!(counts[1], 0);
        assert!((850..1150).contains(&counts[0]), "{counts:?}");
    }

    #[test]
    fn streams_of_one_seed_differ() {
        let first = |seed, stream| Random::new(seed, stream).next();
        assert_eq!(first(3, 1), first(3, 1));
        assert_ne!(first(3, 1), first(3, 2));
        assert_ne!(first(3, 1), first(4, 1));
    }
}
