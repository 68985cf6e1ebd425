//! A suspended tenant is read and not changed, and every process knows within the directory's seconds.
#![allow(clippy::unwrap_used, reason = "a test")]

use headwater_dynamodb::Databases;
use headwater_kernel::{Region, TenantId};
use headwater_runtime::Runtime;
use headwater_tenancy::{
    Authenticator, DevelopmentKey, DirectoryError, MayNotCommand, Role, TenantDirectory, TenantState, TokenRequest,
    tenants_table,
};
use std::{sync::Arc, time::Duration};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_process_knows_within_seconds() {
    let dir = tempfile::tempdir().unwrap();
    let databases = Databases::embedded(dir.path(), Runtime::tokio()).unwrap();
    databases.ensure_table(&tenants_table()).await.unwrap();
    let runtime = Runtime::tokio();
    // Two processes over one table.
    let [ours, theirs] = [(), ()].map(|()| TenantDirectory::new(databases.durable.clone(), runtime.clone()));
    let key = Arc::new(DevelopmentKey::new([1; 32]));
    let operator = key.operator();
    let acme = TenantId::new("acme").unwrap();
    ours.create(&operator, &acme, Region::Us).await.unwrap();
    let header = |roles: &[Role]| {
        let request = TokenRequest {
            tenant: acme.clone(),
            subject: "ada".into(),
            roles: roles.to_vec(),
            ttl: Duration::from_secs(60),
        };
        format!("Bearer {}", key.sign(&request, &runtime))
    };
    let (owner, auditor) = (header(&[Role::Owner]), header(&[Role::Auditor]));
    let [here, there] =
        [&ours, &theirs].map(|directory| Authenticator::new(Arc::clone(&key), directory.clone(), runtime.clone()));
    let permits =
        async |at: &Authenticator, header: &str| at.authenticate(Some(header)).await.unwrap().scope.may_command();
    for at in [&here, &there] {
        assert_eq!(permits(at, &owner).await, Ok(()));
        assert_eq!(permits(at, &auditor).await, Err(MayNotCommand::Role));
    }
    let begun = there.authenticate(Some(&owner)).await.unwrap().scope;

    let suspended = ours.set_state(&operator, &acme, TenantState::Suspended).await.unwrap();
    assert_eq!(suspended.state, TenantState::Suspended);
    assert_eq!(permits(&here, &owner).await, Err(MayNotCommand::Suspended));
    let by_operator = ours.scope(&operator, &acme).await.unwrap();
    assert_eq!(by_operator.may_command(), Err(MayNotCommand::Suspended));
    assert_eq!(permits(&there, &owner).await, Ok(()), "the directory's seconds");
    runtime.sleep(Duration::from_millis(5_050)).await;
    assert_eq!(permits(&there, &owner).await, Err(MayNotCommand::Suspended));
    // What had begun before is looked at again.
    assert_eq!(begun.may_command(), Ok(()));
    let now = there.current(&begun).await.unwrap();
    assert_eq!(
        (now.may_command(), now.tenant()),
        (Err(MayNotCommand::Suspended), &acme)
    );

    ours.set_state(&operator, &acme, TenantState::Active).await.unwrap();
    assert_eq!(permits(&here, &owner).await, Ok(()));
    let nobody = TenantId::new("nobody").unwrap();
    let unknown = ours.set_state(&operator, &nobody, TenantState::Suspended).await;
    assert!(matches!(unknown, Err(DirectoryError::Unknown(_))), "{unknown:?}");
    assert!(ours.find(&nobody).await.unwrap().is_none(), "nothing is made by it");
}
