//! What this process speaks TLS with.

/// Makes rustls with ring the process's one TLS stack. Has to be called before an HTTP client is made, which panics without; again does
/// nothing.
pub fn use_ring() {
    // It fails only when there is one already, and there is no other in the tree.
    drop(rustls::crypto::ring::default_provider().install_default());
}
