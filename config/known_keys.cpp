// The table of every key, in the order in which `weft config` prints them.
#include <string>
#include <utility>
#include <vector>

#include "config/schema.hpp"

namespace weft::config {

namespace {

using Type = Schema::Type;
using Keys = std::vector<Schema>;

constexpr std::uint64_t messages_max = 100'000'000;
constexpr std::uint64_t workers_max = 1024;
constexpr std::uint64_t attempts_max = 100;
constexpr std::uint64_t connections_max = 1'000'000;
constexpr std::uint64_t headers_max = 10'000;

Schema key(Type type, std::string name, std::string default_yaml, std::string doc) {
    Schema schema;
    schema.type = type;
    schema.name = std::move(name);
    schema.default_yaml = std::move(default_yaml);
    schema.doc = std::move(doc);
    return schema;
}

Schema count(std::string name, std::string default_yaml, std::uint64_t min, std::uint64_t max,
             std::string doc) {
    Schema schema = key(Type::count, std::move(name), std::move(default_yaml), std::move(doc));
    schema.min = min;
    schema.max = max;
    return schema;
}

Schema choice(std::string name, std::string default_yaml, std::vector<std::string> choices,
              std::string doc) {
    Schema schema = key(Type::choice, std::move(name), std::move(default_yaml), std::move(doc));
    schema.choices = std::move(choices);
    return schema;
}

Schema list(std::string name, std::string default_yaml, Schema element, std::string doc) {
    Schema schema = key(Type::list, std::move(name), std::move(default_yaml), std::move(doc));
    schema.element.push_back(std::move(element));
    return schema;
}

Schema map(std::string name, std::string default_yaml, Schema element, std::string doc) {
    Schema schema =
        list(std::move(name), std::move(default_yaml), std::move(element), std::move(doc));
    schema.type = Type::map;
    return schema;
}

Schema section(std::string name, std::string doc, Keys keys) {
    Schema schema = key(Type::section, std::move(name), {}, std::move(doc));
    schema.keys = std::move(keys);
    return schema;
}

/// What a list or map holds: a type alone, without a name.
Schema each(Type type) {
    return key(type, {}, {}, {});
}

Schema secret(Schema schema) {
    schema.secret = true;
    return schema;
}
Schema required(Schema schema) {
    schema.required = true;
    return schema;
}
Schema may_be_empty(Schema schema) {
    schema.may_be_empty = true;
    return schema;
}

Schema fabric() {
    return section(
        "fabric", "How messages move.",
        {section("relay", "The relay for those who cannot bind a port, and where to hear it.",
                 {key(Type::endpoint, "inbound", "\"tcp://127.0.0.1:9940\"",
                      "Where publishers connect."),
                  key(Type::endpoint, "outbound", "\"tcp://127.0.0.1:9941\"",
                      "Where subscribers connect."),
                  key(Type::text, "name", "\"\"",
                      "With curve: the name on the relay's certificate; empty: the only one here "
                      "with the role relay.")}),
         map("endpoints", "{}", list({}, {}, each(Type::endpoint), {}),
             "Publishers that bind, by name, each with its endpoints; tcp://*:0 announces itself."),
         list("srv", "[]", each(Type::text), "Domains whose SRV records add endpoints."),
         list("name_servers", "[]", each(Type::text),
              "Where names are looked up, such as 127.0.0.1:8600; empty: as the system says."),
         choice("mode", "relay", {"relay", "bind"},
                "Publish through the relay, or bind the endpoints of one's own name."),
         count("high_water_mark", "100000", 1, messages_max,
               "Messages per peer; what exceeds it is dropped and counted."),
         choice("curve", "off", {"off", "on"},
                "CurveZMQ on every socket: only holders of a certificate in signing.directory "
                "connect."),
         key(Type::flag, "insecure", "false",
             "Allow a bind that is not loopback without CURVE; said aloud at each start."),
         key(Type::duration, "flush", "5s",
             "How long a stopping publisher waits until what it accepted was handed over."),
         section("replay", "Which messages are refused because they may have been here before.",
                 {key(Type::duration, "past", "5m", "Older messages are refused."),
                  key(Type::duration, "future", "30s",
                      "So are those from further ahead: clocks differ a little."),
                  may_be_empty(key(Type::path, "state", "var/replay",
                                   "Where receivers remember what they had; empty: nowhere."))})});
}

Schema signing() {
    return section(
        "signing", "Who said it, and whether they may.",
        {key(Type::flag, "sign", "true", "Sign what is published."),
         key(Type::flag, "validate", "true", "Refuse what is not signed by a valid certificate."),
         key(Type::path, "directory", "keys", "Keys, certificates and the revocation list."),
         map("policy", "{}", list({}, {}, each(Type::text), {}),
             "By topic glob, the names that may publish there."),
         key(Type::flag, "nitpicky", "false", "Refuse a topic without a rule."),
         choice("revocation_expired", "warn", {"warn", "fail"},
                "What to do when the revocation list is past its next update.")});
}

Schema reliability() {
    return section(
        "reliability", "That messages arrive, or the sender knows.",
        {key(Type::duration, "ack_timeout", "250ms",
             "How long a reliable publish waits for acknowledgements."),
         section(
             "journal", "The journal of this process.",
             {choice("backend", "rocksdb", {"rocksdb", "jetstream", "memory"},
                     "What keeps the messages; memory forgets them at the end."),
              key(Type::path, "path", "var/journal", "Where RocksDB keeps its files."),
              key(Type::endpoint, "listen", "\"tcp://127.0.0.1:9942\"",
                  "Where it answers readers; tcp://host:0 takes a free port."),
              list("topics", "[\"!gateway.esub.*\"]", each(Type::text),
                   "The topic globs that it records; none: all below "
                   "<prefix>.<environment>. !GLOB: not those."),
              choice("sync", "always", {"always", "never"},
                     "When a commit is on disk before it is acknowledged."),
              key(Type::duration, "max_age", "7d", "Older messages are trimmed; 0s keeps all."),
              key(Type::size, "max_bytes", "10GiB",
                  "The oldest messages beyond this are trimmed; 0 keeps all."),
              map("ages", "{}", each(Type::duration), "By topic glob, a shorter age than max_age."),
              list("protect", "[]", each(Type::text),
                   "Cursors whose unread messages outlive max_age, up to max_bytes; NAME* is all "
                   "that "
                   "begin so.")}),
         list("journals", "[]", each(Type::text),
              "Names on the certificates of the fabric's journals."),
         map("journal_endpoints", "{}", each(Type::endpoint),
             "Where journals answer readers, by name; the others at reliability.journal.listen."),
         section("repair", "Holes in what a subscriber receives, filled from the journals.",
                 {key(Type::duration, "wait", "5s",
                      "How long a hole holds back what comes after it in its stream."),
                  count("held_max", "65536", 1, messages_max,
                        "Messages held back at a time; beyond, the oldest hole is given up.")}),
         map("groups", "{}", list({}, {}, each(Type::text), {}),
             "Groups of recipients, by name, each with its members."),
         may_be_empty(key(Type::path, "outbox", "\"\"",
                          "Where a publisher keeps what is not acknowledged; empty: nowhere.")),
         key(Type::size, "outbox_max", "256MiB",
             "What the outbox may hold; full, publishing fails.")});
}

Schema consumer() {
    return section(
        {}, "A consumer: a plugin or a program, and what it hears.",
        {required(key(Type::text, "name", {}, "Its name on cursors, in the log and in metrics.")),
         key(Type::path, "plugin", {}, "A shared library; either this or exec."),
         list("exec", {}, each(Type::text), "A program and its arguments; either this or plugin."),
         key(Type::flag, "isolate", "false", "The plugin runs in a process of its own."),
         required(list("topics", {}, each(Type::text), "The topic globs that it hears.")),
         key(Type::flag, "enabled", "true", "False leaves it out without removing it."),
         key(Type::flag, "durable", "true",
             "Its place is kept in the journal; false: it hears what comes while it runs."),
         count("workers", "1", 1, workers_max, "Messages handled at the same time."),
         key(Type::flag, "ordered", "true",
             "One message of a topic and publisher at a time, in order."),
         choice("ack", {}, {"received", "processed"},
                "Acknowledge at this level what asks for it in the name of this host."),
         count("max_attempts", "5", 1, attempts_max, "Deliveries before a message is given up."),
         list("retry", "[1s, 5s, 30s, 2m]", each(Type::duration),
              "The pauses between attempts; the last one again and again."),
         key(Type::duration, "timeout", "30s", "How long one attempt may take."),
         key(Type::text, "dead_letter", {}, "The topic where a message goes that was given up."),
         key(Type::text, "replay", "now",
             "Where a new cursor begins: beginning, now, since:1h and so on."),
         section("max_backlog", "What it may be behind; more is passed over, counted and said.",
                 {count("count", {}, 1, messages_max, "Messages."),
                  key(Type::duration, "age", {}, "How old they may be.")}),
         key(Type::size, "memory", {},
             "Address space of each of its processes; nothing: no limit."),
         map("environment", "{}", each(Type::text),
             "Variables for its processes, beside what every program gets (docs/hub.md)."),
         map("settings", "{}", each(Type::free), "What the consumer itself is told.")});
}

Schema listener() {
    return section(
        {}, "An address and the protocols on it.",
        {required(key(Type::address, "address", {}, "host:port; port 0 takes a free one.")),
         required(list("serve", {}, each(Type::free),
                       "The protocols mounted there: native, metrics, console, rse, esub, "
                       "routemaster, or {protocol: rse, prefix: /events}."))});
}

constexpr const char* default_listeners = R"([
    {address: "127.0.0.1:8080", serve: [native, metrics, console]},
    {address: "127.0.0.1:8000", serve: [rse]},
    {address: "127.0.0.1:8090", serve: [esub]},
    {address: "127.0.0.1:17890", serve: [routemaster]}])";

Keys translated_protocols() {
    return {
        section(
            "rse", "RSE polling.",
            {key(Type::text, "topic_root", "rse", "Its topics below <prefix>.<environment>."),
             key(Type::duration, "ttl", "120s", "How long an event can be polled."),
             count("max_events", "500", 1, 500, "Events in one answer."),
             key(Type::flag, "test_mode", "false", "Serve the test page of the protocol."),
             choice("jsonp", "auto", {"auto", "on", "off"},
                    "Whether callbacks are answered; auto: in test mode alone."),
             list("cors_origins", "[]", each(Type::text),
                  "Web origins whose scripts may read and post, such as https://app.example."),
             key(Type::flag, "require_https", "false", "Refuse plain HTTP."),
             key(Type::flag, "trust_forwarded_proto", "false",
                 "Believe a proxy's X-Forwarded-Proto about HTTPS."),
             may_be_empty(key(Type::text, "path_prefix", "\"\"",
                              "Where the channels begin, such as /events.")),
             may_be_empty(key(Type::text, "extra_characters", "\"\"",
                              "Allowed in channel names, out of =:@,;!$&'()+ and no others."))}),
        section(
            "esub", "esub sub and rep.",
            {key(Type::text, "topic_root", "esub", "Its topics below <prefix>.<environment>."),
             key(Type::flag, "confirm", "false",
                 "A rep to a psub is done once the psub has confirmed it."),
             key(Type::duration, "ping", "60s", "A psub that sends no pong for so long is closed."),
             key(Type::duration, "keep_unclaimed", "0s",
                 "How long a reply that nobody waited for is kept; 0s does not keep it."),
             choice("keep", "undelivered", {"undelivered", "all"},
                    "Which replies keep_unclaimed keeps: those that nobody got, or all."),
             secret(key(Type::text, "cluster_token", "\"\"", "What esub nodes share.")),
             choice("wrong_node", "forward", {"forward", "redirect"},
                    "What happens to a reply for a key that is open at another gateway."),
             may_be_empty(key(Type::text, "advertise", "\"\"",
                              "host:port by which clients reach this gateway's esub, and /path; "
                              "empty: as gateway.listeners says.")),
             count("port", "0", 0, 65'535,
                   "Serve esub there, on all interfaces; 0: where gateway.listeners says."),
             may_be_empty(key(Type::text, "node_ip", "\"\"",
                              "What /info says; empty: the first address of this host.")),
             key(Type::flag, "close_connections", "false", "Close after every answer."),
             key(Type::text, "metric_prefix", "esub", "What the names of metrics begin with."),
             key(Type::size, "key_max", "4KiB", "Bytes of a key, and of a token."),
             count("waiters_per_client", "0", 0, connections_max,
                   "Subs and psubs of one client; 0: any number.")}),
        section("routemaster", "Routemaster webhooks.",
                {key(Type::text, "topic_root", "routemaster",
                     "Its topics below <prefix>.<environment>."),
                 secret(key(Type::text, "root_key", "\"\"", "The token that may do everything.")),
                 list("clients", "[]", secret(each(Type::text)),
                      "Client tokens, besides those of `weft token`."),
                 key(Type::flag, "require_https", "false",
                     "Send plain HTTP to https (308); gateway.trusted_proxies are believed."),
                 key(Type::size, "max_event_data", "64", "Bytes of data in one event."),
                 key(Type::size, "max_bytes", "0",
                     "The oldest events are dropped when the journal comes near; 0: never."),
                 key(Type::size, "min_free", "0",
                     "How near: so much below max_bytes it begins, and goes on to twice that.")})};
}

Schema gateway_limits() {
    return section(
        "limits", "What one client, and all of them together, may use.",
        {key(Type::size, "body", "4MiB", "Bytes of a request body."),
         key(Type::size, "bodies", "256MiB", "Bytes of all bodies in memory."),
         key(Type::size, "header", "16KiB", "Bytes of a request line with its headers."),
         key(Type::size, "line", "16KiB", "Bytes of a request line, or of one header."),
         count("header_count", "100", 1, headers_max, "Headers of a request."),
         count("connections", "20000", 1, connections_max, "Connections at the same time."),
         count("requests", "20000", 1, connections_max, "Requests without an answer, and streams."),
         key(Type::size, "stream_queue", "1MiB", "Bytes that wait for one slow reader."),
         key(Type::duration, "idle", "75s", "How long a connection may be silent."),
         key(Type::duration, "header_time", "30s", "From the first byte to the last header."),
         key(Type::duration, "body_time", "2m", "From the last header to the end of the body.")});
}

Schema gateway_bridge() {
    return section(
        "bridge", "What the gateway asks of its own journal at the same time.",
        {count("read_threads", "2", 1, workers_max, "Threads that read and verify."),
         count("reads", "1024", 1, connections_max, "Reads that wait for one of them."),
         count("acknowledged", "1024", 1, connections_max,
               "Publishes with recipients that wait to be sent."),
         count("cursors", "1024", 1, connections_max, "Requests about cursors that wait."),
         count("waiters", "20000", 1, connections_max, "Requests that wait for a message."),
         count("publishes", "16384", 1, connections_max, "Durable publishes under way."),
         key(Type::size, "publish_bytes", "64MiB", "Bytes of their bodies."),
         key(Type::duration, "publish_timeout", "5s",
             "How long a publish waits for room, and a durable one to be stored.")});
}

Schema gateway() {
    Schema gateway = section(
        "gateway", "Other protocols onto the fabric.",
        {list("listeners", default_listeners, listener(),
              "Where the gateway listens, and for what."),
         section("tls", "TLS on every listener.",
                 {may_be_empty(key(Type::path, "certificate", "\"\"", "PEM chain; empty: no TLS.")),
                  may_be_empty(key(Type::path, "key", "\"\"", "The PEM key of the certificate.")),
                  key(Type::flag, "only", "false", "Refuse plain HTTP.")}),
         section("auth", "Who may use the gateway.",
                 {key(Type::flag, "required", "false", "Refuse requests without a token."),
                  key(Type::path, "tokens", "tokens.yaml", "Where `weft token` keeps hashes.")}),
         section("access_log", "A line for each answer.",
                 {may_be_empty(key(Type::path, "path", "\"\"",
                                   "The file; empty: none; - is stderr. SIGHUP opens it again.")),
                  choice("format", "text", {"text", "json"},
                         "Common Log Format with more behind it, or one JSON object a line.")}),
         count("io_threads", "0", 0, 256,
               "Threads that serve connections; 0: as many as there are cores."),
         list("trusted_proxies", "[]", each(Type::text),
              "Networks of proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8.")});
    for (Schema& protocol : translated_protocols()) gateway.keys.push_back(std::move(protocol));
    gateway.keys.push_back(section(
        "webhooks", "How webhooks are delivered.",
        {key(Type::duration, "timeout", "15s", "How long a receiver may take to answer."),
         count("concurrency", "64", 1, connections_max, "Deliveries under way at the same time."),
         list("schedule", "[0s, 5s, 1m, 5m, 30m, 2h, 5h, 10h]", each(Type::duration),
              "The pauses before each attempt."),
         key(Type::duration, "disable_after", "5d",
             "A webhook that has only failed for so long is disabled."),
         key(Type::duration, "rotation_overlap", "24h",
             "How long an old secret signs beside the new one."),
         may_be_empty(key(Type::path, "ca", "\"\"",
                          "PEM certificates that receivers are believed by; empty: the system's.")),
         key(Type::flag, "allow_http", "false", "Allow receivers without TLS."),
         list("allow_networks", "[]", each(Type::text),
              "Private networks that receivers may be in, such as 127.0.0.0/8.")}));
    gateway.keys.push_back(gateway_limits());
    gateway.keys.push_back(gateway_bridge());
    return gateway;
}

Schema known_keys() {
    return section(
        {}, "The configuration of weft.",
        {key(Type::text, "topic_prefix", "org.weft", "What every topic begins with."),
         choice("environment", "dev", {"dev", "stg", "prod"}, "The second part of every topic."),
         key(Type::text, "name", "git.host1", "Who I am: the name on my certificate."), fabric(),
         signing(), reliability(),
         section("log", "What the commands say on stderr.",
                 {choice("level", "info", {"trace", "debug", "info", "warn", "error", "off"},
                         "The least that is said; --log-level wins.")}),
         section("hub", "The host of consumers.",
                 {list("consumers", "[]", consumer(), "The consumers that the hub runs."),
                  key(Type::text, "journal", "\"\"",
                      "The journal that has the places of durable consumers; empty: the first of "
                      "reliability.journals."),
                  key(Type::path, "state", "var/hub", "The hub's own small files.")}),
         gateway()});
}

}  // namespace

const Schema& schema() {
    static const Schema root = known_keys();
    return root;
}

}  // namespace weft::config
