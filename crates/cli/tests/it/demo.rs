//! `jialing demo` goes on where it stopped, however it stopped.

use crate::program::{Acting, Server, run, said};

#[tokio::test]
async fn a_city_goes_on_after_it_was_asked_to_stop_and_after_it_was_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let server = Server::city(data);
    let acting = Acting::find(data, &server.url).await;
    let held = acting.balance().await;
    acting.pay("first", 100).await;
    assert!(server.terminate(), "an orderly stop is a success");

    let server = Server::city(data);
    let acting = Acting::find(data, &server.url).await;
    assert_eq!(acting.merchant.order_by_number("first").await.expect("the order").state, "SUCCESS");
    acting.pay("second", 20).await;
    server.kill();

    let server = Server::city(data);
    let acting = Acting::find(data, &server.url).await;
    assert_eq!(acting.merchant.order_by_number("second").await.expect("the order").state, "SUCCESS");
    assert_eq!(acting.balance().await, held - 120);

    // While one process has the folder, no other may use it, and the reason is said.
    let folder = data.to_str().expect("a plain path");
    for second in [
        vec!["demo", "--data", folder, "--port", "0", "--people", "2", "--shops", "1", "--banks", "2"],
        vec!["verify", "--data", folder],
    ] {
        let output = run(&second);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains("in use by process"), "{}", said(&output));
    }
    assert_eq!(acting.balance().await, held - 120, "the first one goes on");
}
