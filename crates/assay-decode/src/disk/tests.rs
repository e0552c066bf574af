//! How identities are written.

use super::*;

#[test]
fn identities_are_written_as_tools_write_them() {
    let bytes = *b"\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b";
    assert_eq!(guid_text(&bytes), "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
    assert_eq!(uuid_text(&bytes), "28732ac1-1ff8-d211-ba4b-00a0c93ec93b");
}
