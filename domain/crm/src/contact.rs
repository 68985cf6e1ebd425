//! What addresses and numbers of people must look like. No message repeats a value, because it may be personal.

use headwater_kernel::{Rejection, text};

/// Something that can be an e-mail address. Only sending to it would show more, so nothing that could be one is refused.
pub(crate) fn email(email: &str) -> Result<(), Rejection> {
    text::line("/email", email, 254)?;
    let looks_right = email.rsplit_once('@').is_some_and(|(local, domain)| {
        let labels = domain.split('.');
        !local.is_empty() && labels.clone().count() > 1 && labels.clone().all(|label| !label.is_empty())
    });
    if !looks_right || email.contains(char::is_whitespace) {
        return Err(Rejection::field(
            "not-an-email",
            "/email",
            "this is no e-mail address; it looks like name@example.com",
        ));
    }
    Ok(())
}

/// Something that can be dialled: at least three digits, and only what is written between digits.
pub(crate) fn phone(phone: &str) -> Result<(), Rejection> {
    text::line("/phone", phone, 50)?;
    let digits = phone.chars().filter(char::is_ascii_digit).count();
    let allowed = |c: char| c.is_ascii_alphanumeric() || " +-()./#*,;".contains(c);
    if digits < 3 || !phone.chars().all(allowed) {
        let detail = "this is no phone number; it has at least three digits, such as +49 30 123456";
        return Err(Rejection::field("not-a-phone-number", "/phone", detail));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn email_addresses_look_like_one() {
        for good in [
            "a@b.c",
            "ada.lovelace+x@example.co.uk",
            "\"@\"@example.com",
            "名@例え.jp",
        ] {
            assert_eq!(email(good), Ok(()), "{good}");
        }
        for bad in ["a", "@b.c", "a@", "a@b", "a@b.", "a@.c", "a@b..c", "a b@c.d"] {
            assert_eq!(email(bad).unwrap_err().code, "not-an-email", "{bad}");
        }
        assert_eq!(email(&format!("{}@b.c", "a".repeat(300))).unwrap_err().code, "too-long");
    }

    #[test]
    fn phone_numbers_can_be_dialled() {
        for good in ["112", "+49 (0)30 / 123-456", "030.123456 ext 7", "*100#123"] {
            assert_eq!(phone(good), Ok(()), "{good}");
        }
        for bad in ["12", "call me", "+49_30_123456"] {
            assert_eq!(phone(bad).unwrap_err().code, "not-a-phone-number", "{bad}");
        }
    }
}
