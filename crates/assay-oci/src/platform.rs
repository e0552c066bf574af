//! The choice of a platform in an index, for all who choose: an image that is scanned, copied, signed or pinned is the same one.
//!
//! It is the choice that runtimes make (containerd's `platforms.Only`): the first entry for that platform, however it is spelled, else
//! one for the nearest variant below, else the first that may be taken for it. Surprising: what an entry's annotations say does not
//! matter, since no runtime looks at them; an image for a real platform that calls itself an attestation would otherwise run without
//! having been looked at.

use crate::descriptor::Descriptor;
use crate::error::OpenError;
use assay_model::Platform;

/// Returns the place of the entry that is for `wanted`.
pub(crate) fn position<T>(
    entries: &[T],
    platform: impl Fn(&T) -> Option<Platform>,
    wanted: &Platform,
) -> Option<usize> {
    let fitting = entries.iter().enumerate().filter_map(|(place, entry)| {
        let have = platform(entry).filter(|have| have.satisfies(wanted))?;
        Some((place, distance(&have, wanted)))
    });
    // The first of those that are equally near.
    fitting.min_by_key(|(_, distance)| *distance).map(|(place, _)| place)
}

/// Tells how far what is had is from what is wanted: machines of one variant run the lower ones, too, and the highest of them is best.
fn distance(have: &Platform, wanted: &Platform) -> u32 {
    let (have, wanted) = (have.meant_variant(), wanted.meant_variant());
    let number = |variant: Option<&str>| variant?.strip_prefix('v')?.parse::<u32>().ok();
    match (number(wanted), number(have)) {
        _ if have == wanted => 0,
        (Some(wanted), Some(have)) => wanted.checked_sub(have).unwrap_or(u32::MAX),
        _ => u32::MAX,
    }
}

/// Makes the error of an index without an image for `wanted`.
pub(crate) fn unknown<T>(
    place: String,
    entries: &[T],
    platform: impl Fn(&T) -> Option<Platform>,
    wanted: &Platform,
) -> OpenError {
    let mut available: Vec<Platform> = entries.iter().filter_map(platform).collect();
    available.sort();
    available.dedup();
    OpenError::UnknownPlatform { place, wanted: wanted.clone(), available }
}

/// Returns the image of an index that is for `wanted`.
pub fn image_for<'a>(images: &'a [Descriptor], wanted: &Platform) -> Option<&'a Descriptor> {
    images.get(position(images, Descriptor::platform, wanted)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_platform_comes_before_one_that_may_be_taken() {
        let check = |have: &[&str], wanted: &str, expected: Option<usize>| {
            let platforms: Vec<Platform> = have.iter().map(|text| text.parse().unwrap()).collect();
            let found = position(&platforms, |one| Some(one.clone()), &wanted.parse().unwrap());
            assert_eq!(found, expected, "{have:?} {wanted}");
        };
        check(&["linux/arm/v6", "linux/arm/v7"], "linux/arm/v7", Some(1));
        // `arm` is `arm/v7`, and `arm64` is `arm64/v8`: runtimes do not tell them apart.
        check(&["linux/arm/v6", "linux/arm/v7"], "linux/arm", Some(1));
        check(&["linux/arm/v8", "linux/arm/v5", "linux/arm/v6"], "linux/arm", Some(2));
        check(&["linux/arm64/v8", "linux/arm64"], "linux/arm64", Some(0));
        check(&["linux/arm64", "linux/arm64/v8"], "linux/arm64/v8", Some(0));
        check(&["linux/amd64/v3", "linux/amd64/v2"], "linux/amd64", Some(0));
        check(&["linux/amd64/v2", "linux/amd64/v1", "linux/amd64"], "linux/amd64", Some(1));
        check(&["linux/amd64"], "linux/arm64", None);
        check(&[], "linux/amd64", None);
    }
}
