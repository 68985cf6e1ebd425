//! What a price must be.

use headwater_kernel::Rejection;

/// Checks a price at `/price_cents`.
pub(crate) fn check(price_cents: i64) -> Result<(), Rejection> {
    check_at("/price_cents", price_cents)
}

/// Checks a price that stands elsewhere in a payload.
pub(crate) fn check_at(pointer: &str, price_cents: i64) -> Result<(), Rejection> {
    if price_cents < 0 {
        return Err(Rejection::field("negative-price", pointer, "a price is never negative"));
    }
    Ok(())
}
