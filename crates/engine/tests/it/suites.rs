//! An engine of either suite, from its first start to the audit.

use std::sync::Arc;

use jialing_engine::audit::{Finding, verify_disk};
use jialing_engine::{Config, Engine, KeySource, OpenError};
use jialing_journal::disk::Surviving;
use jialing_journal::{Checkpoint, Disk, Suite, VerifierKey, proof};

use crate::bank::{Bank, found, pay, submit};

fn config(bank: &Bank, suite: Suite) -> Config {
    Config { suite, ..bank.config() }
}

async fn audit(bank: &Bank) -> Vec<Finding> {
    let disk: Arc<dyn Disk> = Arc::new(bank.disk.crash(Surviving::All));
    let audited = tokio::task::spawn_blocking(move || verify_disk(disk, None, &mut |_| ()));
    audited.await.unwrap().expect("the audit begins").findings
}

#[tokio::test(flavor = "multi_thread")]
async fn each_suite_pays_proves_restarts_and_audits() {
    for suite in Suite::ALL {
        let bank = Bank::new();
        let (engine, opened) = Engine::open(config(&bank, suite)).unwrap();
        assert!(opened.created);
        assert_eq!((engine.suite(), engine.public_key().suite()), (suite, suite));
        found(&engine, 3).await;
        for id in 100..1100 {
            submit(&engine, pay(id, 2, 3, 1)).await;
        }
        let receipt = engine.receipt(700).await.unwrap();
        let key = VerifierKey::parse(&engine.verifier_key()).unwrap();
        let said = Checkpoint::open(&receipt.checkpoint.note, &key).unwrap();
        let leaf = suite.leaf(&receipt.record);
        assert!(proof::includes(suite, &leaf, receipt.index, said.size, &receipt.path, &said.root));
        engine.shutdown().await;

        assert_eq!(audit(&bank).await, []);
        for other in Suite::ALL.into_iter().filter(|&other| other != suite) {
            let refused = Engine::open(config(&bank, other)).err().expect("a log keeps its suite");
            assert!(
                matches!(&refused, OpenError::Mismatch(what) if what.contains("keeps its suite")),
                "{refused}"
            );
        }
        let (engine, opened) = Engine::open(config(&bank, suite)).unwrap();
        assert_eq!((opened.created, opened.torn_bytes), (false, 0));
        assert_eq!(engine.receipt(700).await.unwrap().record, receipt.record);
        submit(&engine, pay(2000, 2, 3, 1)).await;
        engine.shutdown().await;
        assert_eq!(audit(&bank).await, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_made_in_the_folder_serves_either_suite() {
    for suite in Suite::ALL {
        let bank = Bank::new();
        let config = Config { key: KeySource::Folder, ..config(&bank, suite) };
        let (engine, _) = Engine::open(config.clone()).unwrap();
        let key = engine.verifier_key();
        found(&engine, 1).await;
        engine.shutdown().await;
        assert_eq!(bank.disk.bytes("checkpoint.key").unwrap().len(), 65);
        let (engine, _) = Engine::open(config).unwrap();
        assert_eq!(engine.verifier_key(), key);
        engine.shutdown().await;
    }
}
