//! Production: who is met there, under whose signature, and one job from the first ticket to the result.

use super::peers::{now, runtime, trust};
use super::rig::{expect, logs_verify};
use super::support::{ORGS, Plan, Process, Said, World, free_port, yu};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::sync::Arc;
use yu_wire::carrier::{CarrierKind, Endpoint, EndpointConfig};
use yu_wire::identity::{Env, OrgRoot};

fn prod() -> Plan {
    Plan { env: "prod", ..Plan::default() }
}

#[test]
fn a_job_in_production_from_the_first_ticket_to_the_result() {
    let world = World::ready(&prod());
    for (org, _) in ORGS {
        let peers = world.yu(org, &["peer", "list"]).ok("list")["peers"].clone();
        assert_eq!(peers.as_array().unwrap().len(), 3, "{peers}");
        assert!(peers.as_array().unwrap().iter().all(|p| p["name"].as_str().unwrap().starts_with("yu://prod/")), "{peers}");
    }
    let job = world.submit_and_sign(&world.job());
    let result = world.complete(&job);
    assert!(result["result"]["count"].as_str().unwrap().parse::<u64>().unwrap() > 150);
    for (org, _) in ORGS {
        world.yu(org, &["audit", "checkpoint"]).ok("checkpoint");
    }
    logs_verify(&world, &["health", "bank", "platform", "authority"]);
}

/// The body of a ticket, to be changed.
fn body(ticket: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(ticket.strip_prefix("yu1.").unwrap()).unwrap()).unwrap()
}

fn text(body: &Value) -> String {
    format!("yu1.{}", URL_SAFE_NO_PAD.encode(body.to_string()))
}

/// Changes a node's configuration while it is down.
fn change(world: &mut World, org: &'static str, from: &str, to: &str) {
    world.kill(org);
    let file = world.dir(org).join("node.toml");
    let old = std::fs::read_to_string(&file).unwrap();
    assert!(old.contains(from), "{old}");
    std::fs::write(&file, old.replace(from, to)).unwrap();
    world.up(org);
}

#[test]
fn the_authority_signs_only_what_its_person_has_named() {
    let mut world = World::start(&prod());
    expect(&world.yu("authority", &["peer", "invite"]), "input.bad", &["--controller"]);
    assert_eq!(world.yu("authority", &["peer", "invite", "--name", "yu://prod/bank/n1"]).status, 2);
    let card = world.yu("bank", &["peer", "card"]).ok("card")["card"].clone();
    let invite = |changes: &[(&str, &str)]| -> Said {
        let mut args = vec!["peer", "invite"];
        for (option, field) in
            [("--name", "name"), ("--root", "root"), ("--role", "role"), ("--controller", "controller"), ("--zone", "zone")]
        {
            let changed = changes.iter().find(|(f, _)| *f == field).map(|(_, value)| *value);
            args.extend([option, changed.unwrap_or_else(|| card[field].as_str().unwrap())]);
        }
        world.yu("authority", &args)
    };
    let ticket = |changes: &[(&str, &str)]| invite(changes).ok("invite")["ticket"].as_str().unwrap().to_owned();
    expect(&invite(&[("name", "yu://dev/bank/n1")]), "env.mismatch", &["--name"]);
    expect(&invite(&[("root", "beef")]), "input.bad", &["--root"]);
    // the person sees all of it before the ticket leaves
    let shown = invite(&[]).ok("invite");
    for field in ["name", "root", "role", "controller", "zone"] {
        assert!(shown["say"].to_string().contains(card[field].as_str().unwrap()), "{shown}");
    }

    let other_root = "ab".repeat(32);
    for (field, value) in [("controller", "Bank AG"), ("role", "platform"), ("zone", "outside"), ("root", other_root.as_str())] {
        let ticket = ticket(&[(field, value)]);
        let declared = card[field].as_str().unwrap();
        expect(&world.yu("bank", &["peer", "accept", &ticket]), "peer.standing", &[field, value, declared, "yu://prod/bank/n1"]);
        // a newcomer that does not look at the ticket gets no further
        let mut blind = body(&ticket);
        blind.as_object_mut().unwrap().remove("expects");
        expect(&world.yu("bank", &["peer", "accept", &text(&blind)]), "peer.standing", &[field, value, declared]);
    }
    // another node with the ticket
    let for_bank = ticket(&[]);
    expect(&world.yu("health", &["peer", "accept", &for_bank]), "peer.standing", &["yu://prod/bank/n1", "yu://prod/health/n1"]);
    for org in ["authority", "bank", "health"] {
        assert_eq!(world.yu(org, &["peer", "list"]).ok("list")["peers"], json!([]), "{org}");
    }

    // the refused ticket is still good when the newcomer says what the person named
    let ticket = ticket(&[("controller", "Bank AG")]);
    expect(&world.yu("bank", &["peer", "accept", &ticket]), "peer.standing", &["controller"]);
    change(&mut world, "bank", "controller = \"bank\"", "controller = \"Bank AG\"");
    world.yu("bank", &["peer", "accept", &ticket]).ok("accept");
    let peers = world.yu("authority", &["peer", "list"]).ok("list")["peers"].clone();
    assert_eq!(peers[0]["controller"], "Bank AG", "{peers}");
    // and everybody else relies on the authority's signature
    world.invite("authority", "health").ok("accept");
    world.invite("health", "bank").ok("accept");
    let peers = world.yu("health", &["peer", "list"]).ok("list")["peers"].clone();
    assert!(peers.as_array().unwrap().iter().any(|p| p["controller"] == "Bank AG"), "{peers}");
}

#[test]
fn nobody_is_met_without_the_authoritys_signature() {
    let mut world = World::start(&prod());
    // who has not met the authority can judge no card, and the authority signs for nobody through the back door
    let of_health = world.ticket("health", "bank");
    expect(&world.yu("bank", &["peer", "accept", &of_health]), "ticket.bad", &["authority"]);
    expect(&world.yu("authority", &["peer", "accept", &of_health]), "signature.bad", &["yu://prod/health/n1"]);
    expect(&world.yu("authority", &["peer", "countersign", &of_health]), "peer.unknown", &["yu://prod/health/n1"]);
    for org in ["health", "bank", "platform"] {
        world.invite("authority", org).ok("accept");
    }
    world.invite("health", "platform").ok("accept");

    // a card with another address is another card
    let moved = format!("advertise = \"localhost:{}\"\ncontroller", free_port().port());
    change(&mut world, "bank", "controller", &moved);
    expect(&world.invite("bank", "platform"), "signature.bad", &["yu://prod/bank/n1"]);
    expect(&world.invite("health", "bank"), "signature.bad", &["yu://prod/bank/n1"]);
    assert_eq!(world.yu("health", &["peer", "list"]).ok("list")["peers"].as_array().unwrap().len(), 2);

    // signed once more it is good, and only the address may have changed
    let mut ticket = world.ticket("bank", "platform");
    let signed = world.yu("authority", &["peer", "countersign", &ticket]).ok("countersign");
    assert_eq!(signed["card"]["controller"], "bank");
    change(&mut world, "bank", "controller = \"bank\"", "controller = \"platform\"");
    ticket = world.ticket("bank", "platform");
    expect(&world.yu("authority", &["peer", "countersign", &ticket]), "peer.standing", &["yu://prod/bank/n1"]);
    change(&mut world, "bank", "controller = \"platform\"", "controller = \"bank\"");
    let real = world.dir("bank").join("node.toml");
    let listen = std::fs::read_to_string(&real).unwrap().lines().find_map(|l| l.strip_prefix("listen = ").map(str::to_owned)).unwrap();
    let old = std::fs::read_to_string(&real).unwrap().lines().find(|l| l.starts_with("advertise")).unwrap().to_owned();
    change(&mut world, "bank", &old, &format!("advertise = {}", listen.replace("127.0.0.1", "localhost")));
    let ticket = world.ticket("bank", "platform");
    expect(&world.yu("platform", &["peer", "accept", &ticket]), "signature.bad", &["yu://prod/bank/n1"]);
    let signed = world.yu("authority", &["peer", "countersign", &ticket]).ok("countersign")["ticket"].as_str().unwrap().to_owned();
    world.yu("platform", &["peer", "accept", &signed]).ok("accept");
}

#[test]
fn d7_development_and_production_do_not_meet() {
    let listen = free_port();
    let world = World::start(&Plan { listen: [("authority", listen)].into(), ..prod() });
    let ticket = world.ticket("authority", "health");
    let dir = world.file("dev");
    yu(&dir, &["init", "--org", "clinic", "--role", "provider", "--authority", "yu://dev/authority/n1"]).ok("init");
    let clinic = Process::up(&dir);
    let said = yu(&dir, &["peer", "accept", &ticket]);
    drop(clinic);
    expect(&said, "env.mismatch", &["dev", "yu://prod/authority/n1"]);

    // whatever its program says: the certificate names the environment, and an open invitation does not help
    let runtime = runtime();
    let identity = OrgRoot::generate(Env::Dev, "clinic").unwrap().issue("n1", now() - 60, now() + 3600).unwrap();
    let config = EndpointConfig::new(Arc::new(identity), trust(&world, &["authority"]), runtime.handle().clone());
    let endpoint = runtime.block_on(async { Endpoint::bind(config) }).unwrap();
    for kind in [CarrierKind::Quic, CarrierKind::Tcp] {
        let refused = endpoint.connect_blocking(&listen.to_string(), &"yu://prod/authority/n1".parse().unwrap(), kind).unwrap_err();
        assert!(refused.to_string().contains("dev and prod"), "{refused}");
    }
}
