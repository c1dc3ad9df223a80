//! Faults of the engine, the machine and its other users, which other tests play.

use std::{fmt::Write as _, fs, path::Path};

/// What goes wrong, what happens, and the test that shows it.
type Row = (&'static str, &'static str, &'static str);

const ENGINE: &[Row] = &[
    ("the engine ends", "the plugin ends, too", "process::it_ends_with_its_engine"),
    ("it ends while a call waits", "the same, at once", "patience::the_end_of_the_engine_ends_a_wait"),
    (
        "there is none at the address that was given",
        "the plugin ends",
        "process::it_ends_when_there_is_no_engine_at_the_address",
    ),
    (
        "nothing answers at that address",
        "the plugin ends within minutes",
        "limits::it_ends_when_nothing_of_its_engine_answers",
    ),
    (
        "its connection breaks off, though it is there",
        "the plugin connects anew",
        "patience::the_end_of_a_connection_to_the_engine_is_noticed_at_once",
    ),
    ("it has no health service", "it counts as there", "process::an_engine_without_a_health_service_counts_as_there"),
    (
        "it never takes a line of the log",
        "lines for the next engine are not held back",
        "limits::an_engine_that_takes_no_line_does_not_hold_back_those_of_the_next",
    ),
    (
        "it takes a line and does not say so",
        "the next line is sent after 5 seconds",
        "limits::an_engine_that_takes_one_line_never_gets_the_next",
    ),
    (
        "engines come and go",
        "the plugin that they attach to outlives them",
        "process::in_attach_mode_it_outlives_its_engines",
    ),
    (
        "it cancels, or a signal arrives, while a call waits",
        "the call ends as cancelled, and later ones are served",
        "patience::cancel_and_a_signal_end_a_wait",
    ),
    (
        "it gives up one of several equal calls",
        "the others get their token",
        "cache::a_shared_call_outlives_the_first_caller",
    ),
    (
        "it gives up a thousand calls at once",
        "no other is harmed",
        "cache::a_thousand_calls_that_the_engine_gives_up_harm_no_other",
    ),
    (
        "it does not take 20,000 answers",
        "256 of a connection are worked on, the rest wait",
        "load::answers_that_nobody_takes_cost_little",
    ),
    (
        "it begins 16,000 messages and ends none",
        "a connection has room for some, the rest is not taken",
        "load::messages_that_are_never_finished_cost_little",
    ),
    (
        "it begins forty messages of 380 MiB",
        "one is read, some wait, the others are refused",
        "load::large_messages_share_what_one_may_have",
    ),
    (
        "it announces 400 MiB again and again, and sends nothing",
        "messages of any length are taken meanwhile",
        "load::lengths_that_are_announced_hold_up_no_message",
    ),
    (
        "a message has 20 million values",
        "it is refused before they are made",
        "load::values_are_counted_before_they_are_made",
    ),
    ("it cancels while calls wait for room", "all of them end", "load::cancel_ends_calls_that_wait_for_room"),
];

const MACHINE: &[Row] = &[
    (
        "nobody listens at the endpoint",
        "it is tried for 10 s: … could not be reached: …",
        "patience::what_never_is_there_ends_soon",
    ),
    ("nobody listens there yet", "the token, once somebody does", "patience::who_is_not_there_yet_is_waited_for"),
    (
        "the endpoint takes no connections",
        "… did not answer in time, tried for 2 min",
        "http::a_server_that_does_not_take_connections_is_given_up",
    ),
    (
        "nobody reads stderr",
        "lines are dropped and counted, nothing waits",
        "limits::stderr_that_nobody_reads_stops_nothing",
    ),
    ("stdout is full", "the plugin ends with a sentence", "process::without_a_way_to_print_its_port_it_fails"),
    (
        "no more files can be opened",
        "new connections wait, calls fail and name the limit, until there are files",
        "limits::at_the_limit_of_open_files_it_waits_and_says_so",
    ),
    (
        "64 connections are open",
        "the next waits, and a warning says so",
        "limits::at_the_limit_of_connections_it_waits_and_says_so",
    ),
    (
        "too few files can be opened for a start",
        "it ends with a sentence",
        "scarcity::with_too_few_files_it_ends_in_a_sentence",
    ),
    (
        "no thread can be had",
        "calls fail with a sentence, others go on",
        "scarcity::without_a_thread_calls_fail_in_a_sentence_and_with_one_they_are_served",
    ),
    ("the stack is small", "it serves", "scarcity::it_serves_with_a_small_stack"),
    (
        "there is no memory for a large message",
        "its call fails with a sentence, others go on",
        "scarcity::without_memory_for_a_message_its_call_fails_in_a_sentence",
    ),
    (
        "the system trusts no authority",
        "no secure connection …, with the package that is missing",
        "http::a_machine_without_authorities_says_so",
    ),
    (
        "the CA bundle is missing or malformed",
        "the CA bundle …, until it is mended",
        "http::a_ca_bundle_that_is_no_good_says_why",
    ),
    (
        "the CA bundle is a pipe that nobody writes to",
        "the CA bundle … cannot be read in time",
        "http::a_ca_bundle_that_cannot_be_read_to_its_end_is_given_up",
    ),
    (
        "`SSL_CERT_FILE` is one, or does not end",
        "the environment variable SSL_CERT_FILE names a file that …; other calls are served meanwhile",
        "http::authorities_that_cannot_be_read_to_their_end_stop_one_call_alone",
    ),
    (
        "it is one, beside a bundle that does not trust the server",
        "no secure connection …: it is not read",
        "http::beside_a_bundle_the_system_s_authorities_are_not_read",
    ),
    (
        "`SSL_CERT_DIR` holds 20 GB",
        "the environment variable SSL_CERT_DIR holds more than 8 MiB",
        "http::a_folder_of_authorities_has_a_bound",
    ),
    (
        "a shared file is a pipe that nobody writes to",
        "Cancel and signals work meanwhile",
        "process::a_file_that_does_not_answer_blocks_neither_cancel_nor_the_end",
    ),
    (
        "it is one for 250 calls",
        "no thread waits, other files are read",
        "credentials::shared_files::pipes_that_nobody_writes_to_keep_no_other_file_from_being_read",
    ),
    (
        "400 shared files of 4 MB",
        "the shared AWS file … has more than 4 MiB, those of the files before it among them",
        "credentials::shared_files::shared_files_are_bounded_all_together",
    ),
    (
        "64 configurations with a shared file of 4 MB each, at the same time",
        "they are read as there is room",
        "credentials::shared_files::long_files_share_what_room_there_is",
    ),
    (
        "64 commands say a MB on each output and go on",
        "they are read as there is room, and ended after a minute",
        "credentials::processes::long_outputs_share_what_room_there_is",
    ),
    (
        "SSL_CERT_FILE becomes a pipe after it was read",
        "the sentence about a certificate that is not trusted does not read it again",
        "http::the_system_s_authorities_are_read_once",
    ),
    (
        "the file of a session of IAM Identity Center has 4 MB",
        "the SSO session … is kept in a file that cannot be read or is not understood",
        "credentials::sso::a_cache_file_that_is_longer_than_any_is_not_understood",
    ),
    (
        "a token file of a web identity does not end",
        "… cannot be read …",
        "credentials::web_identity::a_web_identity_that_cannot_be_read_to_its_end_is_given_up",
    ),
    (
        "a credential_process fails, or prints without an end",
        "… gave no AWS credentials: …",
        "credentials::processes::a_credential_process_that_fails_is_quoted_but_its_output_is_not",
    ),
    (
        "a credential_process hangs",
        "it is ended with its children",
        "credentials::processes::a_credential_process_that_hangs_is_ended_with_its_children",
    ),
    (
        "the folder of shared tokens cannot be written to",
        "the token, and a warning",
        "cache_folder::a_file_that_cannot_be_replaced_is_a_warning",
    ),
    (
        "that folder is full of files",
        "calls do not wait for it to be tidied",
        "cache_folder::a_full_folder_is_tidied_behind_the_calls",
    ),
    (
        "50,000 other files are in it",
        "a new token costs what it costs without them",
        "cache_folder::a_new_token_costs_the_same_in_a_full_folder",
    ),
    (
        "a call panics, in a build that unwinds",
        "that call ends, no other",
        "panics::a_panic_ends_the_call_that_it_is_in_and_no_other",
    ),
];

const NEIGHBOURS: &[Row] = &[
    (
        "another user connects",
        "refused before a byte is read, and a warning",
        "strangers::another_user_is_refused_before_a_byte_is_read",
    ),
    (
        "another user connects again and again",
        "calls are answered, and nothing stays open",
        "strangers::a_stranger_s_connections_do_not_slow_the_plugin_down",
    ),
    (
        "another user resets each connection at once",
        "calls are answered, and nothing is read to know who it was",
        "strangers::calls_go_on_while_a_stranger_s_connections_are_reset",
    ),
    (
        "another user's connection takes the last file",
        "it is refused all the same",
        "strangers::a_stranger_who_takes_the_last_file_is_not_served",
    ),
    (
        "another user takes the engine's port when the engine ends",
        "nothing is sent there, and the plugin ends, too",
        "strangers::a_stranger_who_takes_the_engine_s_port_is_sent_nothing_and_the_plugin_ends",
    ),
    (
        "others can write into the folder of shared tokens",
        "it is not used, and a warning says so",
        "cache_folder::a_folder_that_others_can_write_is_refused",
    ),
    ("a file there is none of the plugin's", "it is replaced", "cache_folder::a_file_that_is_not_ours_is_replaced"),
    (
        "a pipe or a link stands there",
        "it is not waited for",
        "cache_folder::a_pipe_or_a_link_in_place_of_a_token_is_not_waited_for",
    ),
    (
        "a server says back what it was sent",
        "no secret is shown",
        "quotes::a_server_that_echoes_the_request_gives_nothing_away",
    ),
    (
        "it cuts a secret, or encodes it twice",
        "no part of 16 characters is shown",
        "quotes::no_part_of_a_secret_is_shown_and_none_that_is_encoded_twice",
    ),
    (
        "a proxy says the password that it was sent",
        "no spelling of it is shown",
        "security::an_error_does_not_show_the_password_that_a_proxy_is_sent",
    ),
    (
        "a `credential_process` says its own secrets",
        "none of its command and its output is shown",
        "credentials::processes::what_a_credential_process_quotes_of_its_secrets_is_not_shown",
    ),
];

const SERVERS: &[Row] = &[
    (
        "a list goes on and on",
        "AWS's list goes on after … entries, within the bound of memory",
        "servers::a_list_that_goes_on_is_given_up_within_bounds_of_memory",
    ),
    (
        "a body by HTTP/2 goes on and on",
        "the answer is none of AWS's: it is longer than 8 MiB",
        "servers::an_answer_without_an_end_by_http2_has_the_same_bound",
    ),
    (
        "a token is megabytes long",
        "the answer has an authorization token that is longer than any of AWS's",
        "servers::a_token_that_is_far_too_long_is_none",
    ),
    (
        "32 answers of 6 MiB at the same time",
        "they share what room there is, and are understood one at a time",
        "servers::long_answers_share_what_room_there_is",
    ),
    (
        "24 lists whose pages are long and whose next page does not come, or that nobody takes",
        "some go on, the others wait for room",
        "load::lists_share_what_room_there_is",
    ),
    (
        "32 lists of many short pages, or of many empty entries",
        "they are read in turns, within the same memory",
        "load::lists_of_many_pages_share_what_room_there_is",
    ),
    (
        "64 lists of 6000 images each at the same time",
        "all of them, read in turns; no try waits for another list",
        "load::many_honest_lists_are_read_in_turns",
    ),
    (
        "8 long answers stop in the middle",
        "others are not held up",
        "servers::long_answers_that_stop_hold_up_no_others",
    ),
    ("a policy of 8 MiB", "the answer is none of AWS's: …", "servers::a_policy_is_no_longer_than_any_of_aws_s"),
    (
        "XML of a million attributes",
        "the answer is none of AWS's: it has more than 200000 parts, or 20000 objects",
        "servers::xml_of_many_attributes_does_not_grow_in_memory",
    ),
    (
        "secrets of 60 kB that nearly stand in the message beside them",
        "the message, soon",
        "servers::secrets_that_a_server_makes_up_keep_nobody_waiting",
    ),
    (
        "a service throttles a thousand calls that have secrets like its message",
        "other calls are served, and signals end the plugin",
        "load::a_thousand_calls_with_secrets_that_wait_hold_up_no_other",
    ),
];

/// The tables.
pub(super) fn markdown() -> Vec<String> {
    let tables = [
        ("The engine", ENGINE),
        ("The machine", MACHINE),
        ("Servers in place of AWS's", SERVERS),
        ("Neighbours", NEIGHBOURS),
    ];
    tables.map(|(title, rows)| table(title, rows)).into()
}

fn table(title: &str, rows: &[Row]) -> String {
    let head = format!("## {title}\n\n| What goes wrong | What happens | Shown by |\n|---|---|---|\n");
    rows.iter().fold(head, |mut text, (what, happens, test)| {
        writeln!(text, "| {what} | {happens} | `{test}` |").expect("a string takes all");
        text
    })
}

#[test]
fn each_row_names_a_test() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plugin");
    for (what, _, test) in [ENGINE, MACHINE, SERVERS, NEIGHBOURS].concat() {
        let (module, name) = test.rsplit_once("::").expect("a module and a name");
        let file = tests.join(module.replace("::", "/")).with_extension("rs");
        let source = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(source.contains(&format!("\nasync fn {name}() {{")), "{what}: there is no test {test}");
    }
}
