#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/check.hpp"
#include "config/load.hpp"
#include "config/schema.hpp"
#include "config/yaml_reader.hpp"

namespace weft::config {
namespace {

/// The document in which the public contract states every key with its default.
constexpr const char* contract = R"YAML(
topic_prefix: org.weft            # topics: <prefix>.<environment>.<service>.<event...>
environment: dev                  # dev | stg | prod
name: git.host1                   # who I am: the name on my certificate
fabric:
  relay: { inbound: "tcp://127.0.0.1:9940", outbound: "tcp://127.0.0.1:9941" }
  endpoints: { }                  # name: [tcp://host:port, ...] for publishers that bind (the brokerless mesh); tcp://*:0 announces itself
  srv: [ ]                        # domains whose SRV records add endpoints
  mode: relay                     # relay | bind
  high_water_mark: 100000         # messages per peer; what exceeds it is dropped, counted, and repaired from a journal
  curve: off                      # off | on: CurveZMQ on every socket, keys beside the certificates
  insecure: false                 # true allows a bind that is not loopback without CURVE; said aloud at each start
signing:
  sign: true
  validate: true
  directory: keys
  policy: { }                     # topic glob: [names that may publish it]
  nitpicky: false                 # true: a topic without a rule is refused
reliability:
  ack_timeout: 250ms
  journal: { backend: rocksdb, path: var/journal, sync: always, max_age: 7d, max_bytes: 10GiB }
  journals: [ ]                   # names on the certificates of the fabric's journals, for durable publishing and replay
hub:
  consumers: [ ]                  # - {name, plugin: lib.so | exec: [cmd, args], topics: [globs], durable: true, workers: 1, settings: {}}
gateway:
  listeners:                      # every protocol can be mounted anywhere; the defaults are the ports its clients expect
    - { address: "127.0.0.1:8080",  serve: [native, metrics, console] }
    - { address: "127.0.0.1:8000",  serve: [rse] }
    - { address: "127.0.0.1:8090",  serve: [esub] }
    - { address: "127.0.0.1:17890", serve: [routemaster] }
  tls: { certificate: "", key: "", only: false }
  auth: { required: false, tokens: tokens.yaml }
  rse: { topic_root: rse, ttl: 120s, max_events: 500, test_mode: false }
  esub: { topic_root: esub, confirm: false, ping: 60s, keep_unclaimed: 0s, cluster_token: "" }   # keep_unclaimed > 0: phase 2, replies nobody waited for
  routemaster: { topic_root: routemaster, root_key: "", clients: [ ], max_event_data: 64 }       # clients: tokens, with those of `weft token`
  webhooks: { timeout: 15s, concurrency: 64, schedule: [0s, 5s, 1m, 5m, 30m, 2h, 5h, 10h], allow_http: false, allow_networks: [ ] }   # e.g. 127.0.0.0/8 for tests; for every callback, Routemaster's too
  limits: { body: 4MiB, header: 16KiB, connections: 20000, idle: 75s }
)YAML";

/// Keys that came after that document.
constexpr const char* additions = R"YAML(
fabric:
  flush: 5s
  relay: { name: "" }
  replay: { past: 5m, future: 30s, state: var/replay }
  name_servers: []
signing: { revocation_expired: warn }
reliability:
  outbox: ""
  outbox_max: 256MiB
  groups: {}
  journal: { listen: "tcp://127.0.0.1:9942", topics: ["!gateway.esub.*"], ages: {}, protect: [] }
  journal_endpoints: {}
  repair: { wait: 5s, held_max: 65536 }
hub: { journal: "", state: var/hub }
gateway:
  rse:
    jsonp: auto
    cors_origins: []
    require_https: false
    trust_forwarded_proto: false
    path_prefix: ""
    extra_characters: ""
  access_log: { path: "", format: text }
  io_threads: 0
  trusted_proxies: []
  limits: { bodies: 256MiB, line: 16KiB, header_count: 100, requests: 20000, stream_queue: 1MiB, header_time: 30s, body_time: 2m }
  bridge: { read_threads: 2, reads: 1024, acknowledged: 1024, cursors: 1024, waiters: 20000, publishes: 16384, publish_bytes: 64MiB, publish_timeout: 5s }
  esub: { port: 0, node_ip: "", close_connections: false, metric_prefix: esub, key_max: 4KiB, keep: undelivered, wrong_node: forward, advertise: "", waiters_per_client: 0 }
  routemaster: { require_https: false, max_bytes: 0, min_free: 0 }
  webhooks: { disable_after: 5d, rotation_overlap: 24h, ca: "" }
log: { level: info }
)YAML";

Configuration loaded(std::vector<Document> documents) {
    LoadOptions options;
    options.directory = "/nowhere";
    options.documents = std::move(documents);
    auto configuration = load(options);
    EXPECT_TRUE(configuration) << text_of(configuration.error());
    return configuration ? std::move(*configuration) : Configuration::defaults();
}

void expect_contains(const Value& whole, const Value& part, const std::string& key) {
    if (!part.is_map()) {
        EXPECT_TRUE(whole.same_content(part)) << key;
        return;
    }
    for (const Entry& entry : part.entries) {
        const Value* found = whole.find(entry.key);
        ASSERT_NE(found, nullptr) << key << "." << entry.key;
        expect_contains(*found, entry.value, key + "." + entry.key);
    }
}

std::size_t leaves(const Value& value) {
    if (!value.is_map() || value.entries.empty()) return 1;
    std::size_t count = 0;
    for (const Entry& entry : value.entries) count += leaves(entry.value);
    return count;
}

TEST(KnownKeys, HaveExactlyTheDefaultsOfTheContract) {
    const ReadYaml stated = read_yaml(contract, Origin::file("contract"));
    const ReadYaml added = read_yaml(additions, Origin::file("additions"));
    ASSERT_TRUE(stated.problems.empty()) << text_of(stated.problems);
    const Value defaults = Configuration::defaults().root();

    expect_contains(defaults, stated.value, "");
    expect_contains(defaults, added.value, "");
    EXPECT_EQ(leaves(defaults), leaves(stated.value) + leaves(added.value));
}

TEST(KnownKeys, TakeTheWholeDocumentOfTheContractAsAFileAndChangeNothing) {
    EXPECT_TRUE(
        loaded({{"contract", contract}}).root().same_content(Configuration::defaults().root()));
}

TEST(KnownKeys, HaveDefaultsThatPassTheirOwnCheck) {
    Value values = default_values(schema());
    Problems problems;

    check_layer(values, schema(), problems);

    EXPECT_EQ(text_of(problems), "");
}

void expect_documented(const Schema& known, const std::string& key) {
    for (const Schema& below : known.keys) {
        EXPECT_FALSE(below.doc.empty()) << key << "." << below.name;
        expect_documented(below, key + "." + below.name);
    }
    const bool holds = known.type == Schema::Type::list || known.type == Schema::Type::map;
    EXPECT_EQ(known.element.size(), holds ? 1U : 0U) << key;
    EXPECT_EQ(known.choices.empty(), known.type != Schema::Type::choice) << key;
    for (const Schema& element : known.element) expect_documented(element, key + "[]");
}

TEST(KnownKeys, AreEachExplainedInALine) {
    expect_documented(schema(), "");
}

TEST(KnownKeys, CoverEverythingThatAConsumerMayBeTold) {
    const Configuration configuration = loaded({{"hub.yaml", R"YAML(
hub:
  consumers:
    - name: builds
      plugin: builds.so
      topics: ["org.weft.**"]
      enabled: false
      durable: true
      workers: 4
      ordered: yes
      ack: processed
      max_attempts: 5
      retry: [1s, 10s, 1m]
      timeout: 30s
      dead_letter: builds.dead
      replay: beginning
      max_backlog: {count: 5000, age: 1h}
      settings: { url: "https://a.example", nested: { list: [1, { x: ~ }] } }
    - { name: shell, exec: [/bin/cat, -n], topics: ["a.*"] }
)YAML"}});

    EXPECT_EQ(configuration.find("hub.consumers.0.settings.nested.list.0")->text, "1");
    EXPECT_EQ(configuration.find("hub.consumers.0.workers")->origin.text(), "hub.yaml:9");
    EXPECT_EQ(configuration.find("hub.consumers.1.workers")->text, "1");
    EXPECT_EQ(configuration.find("hub.consumers.1.workers")->origin.text(), "default");
    EXPECT_EQ(configuration.find("hub.consumers.1.dead_letter"), nullptr);
}

TEST(KnownKeys, CoverTheFreeFormMaps) {
    const Configuration configuration = loaded({{"a.yaml", R"YAML(
fabric: { endpoints: { git.host1: ["tcp://*:0", "tcp://[::1]:9940"] } }
signing: { policy: { "org.weft.**": [git.host1] } }
reliability: { groups: { builders: [a, b] } }
)YAML"}});

    EXPECT_EQ(configuration.find("fabric.endpoints.git.host1.1")->text, "tcp://[::1]:9940");
    EXPECT_EQ(configuration.find("signing.policy.org.weft.**.0")->text, "git.host1");
    EXPECT_EQ(configuration.find("reliability.groups.builders.1")->text, "b");
}

}  // namespace
}  // namespace weft::config
