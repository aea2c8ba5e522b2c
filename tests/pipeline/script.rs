//! The script that orders the stages. None of its recipes is run here.

use std::process::{Command, Output};

use pipeline_tests::workspace_root;

fn script(arguments: &[&str]) -> Output {
    // Where this test was started by the script, its own make must not speak to ours.
    let mut command = Command::new(workspace_root().join("scripts/pipeline"));
    for variable in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "LIBTORCH", "ARTIFACTS", "PRESET", "LAUNCH"] {
        command.env_remove(variable);
    }
    command.current_dir(workspace_root()).args(arguments).output().unwrap()
}

/// What the script would do, without doing it.
fn recipes(arguments: &[&str]) -> String {
    let output = script(&[&["--dry-run"], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The stages it would run, in order.
fn stages(arguments: &[&str]) -> Vec<String> {
    let recipes = recipes(arguments);
    let words = recipes.lines().filter_map(|line| line.split_whitespace().next()?.strip_prefix("target/release/"));
    words.filter(|name| *name != "run-report").map(str::to_owned).collect()
}

#[test]
fn help_names_every_target() {
    let output = script(&["help"]);
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    for target in [
        "study",
        "setup",
        "data",
        "reader",
        "train",
        "latents",
        "cluster",
        "classify",
        "readability",
        "report",
        "refine",
        "figures",
        "compare",
        "build",
        "test",
        "bench",
        "growth",
        "check",
        "clean",
        "help",
    ] {
        assert!(help.contains(&format!("\n  {target} ")), "{target} is not in\n{help}");
    }
}

#[test]
fn a_study_ends_with_the_table_and_the_page() {
    let recipes = recipes(&["study", "MODEL=ae", "LATENT=2"]);
    let last: Vec<&str> = recipes.lines().rev().take(2).collect();
    let expected = ["html", "table"].map(|command| format!("target/release/run-report {command} artifacts/*/"));
    assert_eq!(last, expected, "{recipes}");
}

#[test]
fn runs_are_compared_and_drawn_without_running_a_stage() {
    for (arguments, expected) in [
        (&["compare", "RUN=ae-32 cae-32"][..], "run-report compare artifacts/ae-32 artifacts/cae-32"),
        (&["compare", "MODEL=ae cae", "LATENT=2"], "run-report compare artifacts/ae-2 artifacts/cae-2"),
        (&["figures"], "run-report figures artifacts/*/"),
    ] {
        assert!(recipes(arguments).lines().any(|line| line.ends_with(expected)), "{}", recipes(arguments));
        assert_eq!(stages(arguments), Vec::<String>::new());
    }
}

#[test]
fn growth_is_measured_and_then_drawn() {
    let recipes = recipes(&["growth", "ARTIFACTS=/tmp/a"]);
    let last: Vec<&str> = recipes.lines().rev().take(2).map(str::trim).collect();
    assert_eq!(last[0], "target/release/run-report figures --growth /tmp/a/growth.json", "{recipes}");
    assert!(last[1].ends_with("scripts/bench/growth.py --output /tmp/a/growth.json"), "{recipes}");
}

#[test]
fn clustering_alone_runs_nothing_else() {
    let recipes = recipes(&["cluster", "RUN=cae-32", "K=20"]);
    assert!(
        recipes.contains("target/release/cluster-eval --run artifacts/cae-32 --seed 0 --k 20 --tag k20"),
        "{recipes}"
    );
    assert_eq!(stages(&["cluster", "RUN=cae-32", "K=20"]), ["cluster-eval"]);
}

#[test]
fn a_study_runs_the_stages_of_each_run_in_order() {
    let mut found = stages(&["study", "MODEL=cae", "LATENT=2"]);
    // The reader is for all runs: it may be trained at any time before it is asked.
    let reader = found.iter().position(|stage| *stage == "reader-train").unwrap();
    assert!((1..found.len() - 1).contains(&reader), "{found:?}");
    found.remove(reader);
    let order = ["mnist-data", "ae-train", "latent-export", "cluster-eval", "latent-classify", "recon-eval"];
    assert_eq!(found, order);
    // Three models with two latent sizes share one dataset and its reader.
    assert_eq!(stages(&[]).len(), 2 + 6 * 5);
    assert_eq!(stages(&["study", "SEEDS=0 1 2 3 4"]).len(), 2 + 5 * 6 * 5);
    assert_eq!(stages(&["study", "SEEDS=0 1"]), stages(&["study", "SEED=0 1"]));
}

/// Of seeds that nobody has trained.
#[test]
fn refining_follows_training_and_leaves_variational_models_out() {
    let named = |arguments: &[&str]| -> Vec<String> {
        let recipes = recipes(arguments);
        let refined = recipes.lines().filter_map(|line| line.strip_prefix("target/release/ae-refine --run artifacts/"));
        refined.filter_map(|rest| Some(rest.split_once("-seed987+refined ")?.0.to_owned())).collect()
    };
    assert_eq!(named(&["refine", "SEED=987"]), ["ae-2", "ae-32", "cae-2", "cae-32"]);
    assert_eq!(named(&["refine", "MODEL=cvae", "LATENT=2", "SEED=987"]), Vec::<String>::new());
    // Who names one is told why not.
    assert_eq!(named(&["refine", "RUN=cvae-2-seed987"]), ["cvae-2"]);
    let on_latents = ["latent-export", "cluster-eval", "latent-classify", "recon-eval"];
    for goals in [&["refine"][..], &["train", "refine"]] {
        let found = stages(&[goals, &["RUN=cae-32-seed987", "GAMMA=0.5", "DIMMING=0.4"]].concat());
        let trained = found.iter().position(|stage| stage == "ae-train").unwrap();
        let refined = found.iter().position(|stage| stage == "ae-refine").unwrap();
        assert!(trained < refined, "{found:?}");
        assert_eq!(found[refined + 1..], on_latents);
    }
    let recipes = recipes(&[
        "study",
        "refine",
        "figures",
        "MODEL=ae",
        "LATENT=2",
        "SEED=987",
        "GAMMA=0.5",
        "DIMMING=0.4",
        "RESTARTS=3",
        "RECIPE=imsat:5,student:6",
    ]);
    let expected = "--seed 987 --gamma 0.5 --dimming 0.4 --restarts 3 --recipe imsat:5,student:6";
    assert!(recipes.contains(expected), "{recipes}");
    let last = recipes.trim_end().lines().last().unwrap();
    assert!(last.ends_with("run-report figures artifacts/*/"), "{recipes}");
}

#[test]
fn readability_alone_needs_the_reader_and_no_other_stage() {
    assert_eq!(stages(&["readability", "RUN=cae-32"]), ["mnist-data", "reader-train", "recon-eval"]);
}

#[test]
fn only_tests_have_a_browser_set_up() {
    let has_browser = |target: &str| recipes(&[target]).contains("scripts/set-up/browser");
    assert!(has_browser("test"));
    assert!(!has_browser("setup") && !has_browser("study") && !has_browser("check"));
}

#[test]
fn what_the_script_does_not_know_is_an_error() {
    let output = script(&["help", "EPOCH=3"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("no variable EPOCH"));
    assert!(!script(&["no-such-target"]).status.success());
    let output = script(&["refine", "RUN=cae-32", "K=20"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("refine takes neither K nor TAG"));
}

/// Runs from anybody have names from anybody.
#[test]
fn names_are_not_obeyed() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("executed");
    let touch = format!("touch {}", mark.display());
    for name in [
        format!("x'`{touch}`'"),
        format!("x$({touch})"),
        format!("$(shell {touch})"),
        format!("x;{touch}"),
        "a:cae-32".to_owned(),
        "cae%-32".to_owned(),
        "a#b-cae-32".to_owned(),
    ] {
        for variable in ["RUN", "DATASET"] {
            let output = script(&["help", &format!("{variable}={name}")]);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success() && said.contains("expected letters, digits and"), "{name}: {said}");
        }
    }
    assert!(!mark.exists());
}

#[test]
fn what_would_write_elsewhere_is_refused() {
    for (arguments, expected) in [
        (&["ARTIFACTS="][..], "expected one folder, without spaces"),
        (&["ARTIFACTS=a b"], "expected one folder, without spaces"),
        (&["RUN=cae-32", "SEEDS=0 1"], "expected one seed, that of the run"),
        (&["clean", "study"], "clean goes alone"),
    ] {
        let output = script(&[&["--dry-run"], arguments].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(expected), "{arguments:?}: {said}");
    }
}

/// With it, cd says where it went.
#[test]
fn where_cd_looks_does_not_matter() {
    let mut command = Command::new(workspace_root().join("scripts/pipeline"));
    command.env("CDPATH", format!(".:{}", workspace_root().display())).env_remove("MAKEFLAGS");
    let output = command.current_dir(workspace_root().join("crates")).arg("help").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_dataset_of_few_images_is_shared_out() {
    let recipes = recipes(&["DATASET=own", "MODEL=ae", "LATENT=2", "TRAIN_COUNT=5000", "TEST_COUNT=1000"]);
    let of = |stage: &str| recipes.lines().find(|line| line.contains(stage)).unwrap_or_default().to_owned();
    assert!(of("/ae-train ").contains("--train-count 5000 --test-count 1000"), "{recipes}");
    assert!(of("/reader-train ").ends_with("--first 5000"), "{recipes}");
}
