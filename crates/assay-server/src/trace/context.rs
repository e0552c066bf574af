//! Which trace something belongs to: W3C Trace Context, <https://www.w3.org/TR/trace-context/>.

use std::future::Future;

/// A trace, and a span of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// The trace.
    pub trace: [u8; 16],
    /// The span.
    pub span: [u8; 8],
}

tokio::task_local! {
    static CURRENT: Option<Context>;
}

/// Returns what this task is a part of, if that is traced.
pub(crate) fn current() -> Option<Context> {
    CURRENT.try_with(|context| *context).ok().flatten()
}

/// Does something as a part of a span.
pub(crate) async fn within<F: Future>(context: Option<Context>, work: F) -> F::Output {
    CURRENT.scope(context, work).await
}

impl Context {
    /// Begins a trace; nothing when there is no randomness.
    pub(crate) fn new() -> Option<Self> {
        let mut trace = [0; 16];
        aws_lc_rs::rand::fill(&mut trace).ok()?;
        Some(Self { trace, span: span()? })
    }

    /// Returns another span of the same trace.
    pub(crate) fn child(self) -> Option<Self> {
        Some(Self { trace: self.trace, span: span()? })
    }

    /// Reads the header `traceparent`. What cannot be read begins a trace of its own, as the standard says; a caller that does not
    /// record its part (`sampled` is not set) is not followed either.
    pub(crate) fn parse(header: &str) -> Parent {
        let mut parts = header.split('-');
        let (Some(version), Some(trace), Some(span), Some(flags)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Parent::None;
        };
        let version: Option<[u8; 1]> = hex(version);
        let is_known = match version {
            None | Some([0xff]) => false,
            Some([0]) => parts.next().is_none(),
            Some(_) => true,
        };
        let (Some(trace), Some(span), Some([flags])) = (hex::<16>(trace), hex::<8>(span), hex::<1>(flags))
        else {
            return Parent::None;
        };
        if !is_known || trace == [0; 16] || span == [0; 8] {
            return Parent::None;
        }
        if flags & 1 == 1 { Parent::Recorded(Self { trace, span }) } else { Parent::Unrecorded }
    }
}

/// What a request says it is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parent {
    /// Nothing.
    None,
    /// Something that nobody records.
    Unrecorded,
    /// Something that is recorded.
    Recorded(Context),
}

fn span() -> Option<[u8; 8]> {
    let mut span = [0; 8];
    aws_lc_rs::rand::fill(&mut span).ok()?;
    Some(span)
}

/// Reads lower-case hexadecimal digits, as the standard demands them.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(byte.wrapping_sub(b'a').wrapping_add(10)),
        _ => None,
    };
    if text.len() != N.checked_mul(2)? {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let &[high, low] = pair else { return None };
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_is_recorded_is_followed_as_the_standard_says() {
        let Parent::Recorded(context) = Context::parse(GOOD) else { panic!("{GOOD}") };
        assert_eq!((context.trace[0], context.span), (0x4b, [0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]));
        let changed = |from: &str, to: &str| Context::parse(&GOOD.replacen(from, to, 1));
        assert_eq!(Context::parse(&GOOD.replace("-01", "-00")), Parent::Unrecorded);
        // A later version may say more behind it; this one may not.
        assert_eq!(
            Context::parse(&format!("{}-more", GOOD.replacen("00", "cc", 1))),
            Parent::Recorded(context)
        );
        assert_eq!(Context::parse(&format!("{GOOD}-more")), Parent::None);
        for (from, to) in [
            ("00-", "ff-"),
            ("4bf92f3577b34da6a3ce929d0e0e4736", "00000000000000000000000000000000"),
            ("00f067aa0ba902b7", "0000000000000000"),
            ("4bf9", "4BF9"),
            ("4bf9", "4bf"),
            ("-01", ""),
            ("-01", "-1"),
        ] {
            assert_eq!(changed(from, to), Parent::None, "{from} {to}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read(text in "(\\PC|[0-9a-f-]){0,80}") {
            let _ = Context::parse(&text);
        }
    }
}
