//! Nothing is reachable from outside without TLS.

use crate::fixture::run;
use assay_server::listen::{ListenError, bind};

#[test]
fn other_machines_need_tls() {
    run(async {
        for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
            let error = bind(address.parse().unwrap(), None).await.unwrap_err();
            assert!(matches!(error, ListenError::Exposed(_)), "{address}: {error}");
        }
        assert!(bind("127.0.0.1:0".parse().unwrap(), None).await.is_ok());
    });
}
