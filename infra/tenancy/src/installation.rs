//! What makes several processes one installation: they hold the same sealing key. The item `INSTALLATION` of the table `tenants` keeps a
//! tag of that key, so that a process with another one is refused before it answers with tokens that the others do not open.

use crate::{DirectoryError, OperatorScope, SealingKey};
use aws_sdk_dynamodb::types::AttributeValue;
use headwater_dynamodb::{AccessPattern, Database};
use headwater_kernel::{Actor, TenantId};

/// The partition key of the item. No tenant's key begins like this.
const ITEM: &str = "INSTALLATION";

impl SealingKey {
    /// The operator of an installation: whoever has its sealing key runs it.
    pub fn operator(&self) -> OperatorScope {
        OperatorScope::new(Actor::new("operator:installation"))
    }

    /// Compares this key with the installation's, whose first process writes its tag down. `false`: the installation has another key.
    ///
    /// # Errors
    /// [`DirectoryError::Store`].
    pub async fn join_installation(&self, database: &Database) -> Result<bool, DirectoryError> {
        let sent = database
            .client()
            .put_item()
            .table_name(database.table("tenants"))
            .item("PK", AttributeValue::S(ITEM.into()))
            .item("sealing_key_tag", AttributeValue::S(self.fingerprint()))
            .condition_expression("attribute_not_exists(PK)")
            .customize()
            .interceptor(AccessPattern::system("tenancy.join"))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            // The usual case; an attempt that was repeated after its effect ends here too.
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(self.is_of_installation(database).await?.unwrap_or(false))
            }
            Err(error) => Err(DirectoryError::Store(error.into())),
        }
    }

    /// Whether this is the installation's key; `None` while no process has joined yet. Writes nothing.
    ///
    /// # Errors
    /// [`DirectoryError::Store`].
    pub async fn is_of_installation(&self, database: &Database) -> Result<Option<bool>, DirectoryError> {
        let answer = database
            .client()
            .get_item()
            .table_name(database.table("tenants"))
            .key("PK", AttributeValue::S(ITEM.into()))
            .consistent_read(true)
            .customize()
            .interceptor(AccessPattern::system("tenancy.join"))
            .send()
            .await
            .map_err(|error| DirectoryError::Store(error.into()))?;
        let tag = answer.item().and_then(|item| item.get("sealing_key_tag"));
        Ok(tag.map(|tag| tag.as_s().is_ok_and(|tag| *tag == self.fingerprint())))
    }

    /// A tag from which the key cannot be found.
    fn fingerprint(&self) -> String {
        // Any tenant id does; this one is not of a tenant.
        let none = TenantId::new("-").unwrap_or_else(|_| unreachable!("- is a valid id"));
        let tag = self.tag("installation", &none, b"");
        tag.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
