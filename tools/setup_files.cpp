#include "tools/setup_files.hpp"

#include <fmt/format.h>

#include "fabric/message/json_form.hpp"

namespace weft::tools {
namespace {

constexpr std::string_view weft_yaml =
    R"(# Who we are, and under which names our topics live. Shared by every weft program that starts
# in this directory. `weft config --origin` shows each value in force and the line it comes from.
#
# Files in weft.d are read in the order of their names; later ones win, maps merge. For one
# command, --set name=other or the environment variable WEFT_NAME=other wins over all of them.

# Topics are <topic_prefix>.<environment>.<service>.<event>: whoever publishes git.commit here
# publishes {prefix}.{environment}.git.commit on the fabric.
topic_prefix: {prefix_yaml}

# dev, stg or prod. A certificate for one does not speak in another.
environment: {environment_yaml}

# The name on our certificate (keys/<name>.cert). Each service has its own:
#   weft keys issue git.host2 --publish 'git.**'
name: {name_yaml}
)";

constexpr std::string_view fabric_yaml =
    R"(# How messages move. Publishers connect to the relay's inbound endpoint, subscribers to its
# outbound one; `weft relay` binds both. Nobody else has to open a port.
fabric:
  relay:
    inbound: {inbound_yaml}
    outbound: {outbound_yaml}

  # Without a relay: publishers bind the endpoints of their own name, subscribers connect to all.
  # mode: bind
  # endpoints:
  #   git.host1: ["tcp://127.0.0.1:9950"]

  # Messages per peer. What exceeds it is dropped and counted: a slow reader slows nobody else.
  # high_water_mark: 100000

  # A message is taken once. Receivers remember here what they had, so that it is not taken again
  # after a restart either. Relative to the directory that holds weft.d.
  replay:
    state: var/replay
    # Older messages are refused, and those from further ahead: clocks differ a little.
    # past: 5m
    # future: 30s

  # Encrypted connections, and only for who has a certificate in signing.directory. On every host or
  # on none. The relay needs a certificate with the role relay, as ours has.
  # curve: on

  # Without it a bind that other machines can reach is refused. On a network that you trust, allow
  # it; it is said aloud at each start.
  # insecure: true
)";

constexpr std::string_view signing_yaml =
    R"(# Who said it, and whether they may. Each message is signed once by its publisher; every
# subscriber checks the signature with nothing but the CA's public key and its revocation list.
signing:
  # Relative to the directory that holds weft.d. It has, for us, <name>.key (private) and
  # <name>.cert; and for each CA that we believe, <ca>.ca and <ca>.revoked. See `weft keys list`.
  directory: keys

  # A certificate says which topics its owner may publish. A policy narrows that: every rule whose
  # glob matches is looked at, and one of them must name the signer.
  # policy:
  #   "{root}.git.**": [git.host1, git.host2]

  # true: a topic without a rule is refused.
  # nitpicky: false

  # The list of revoked certificates says when its next update is due. What to do past that: warn,
  # or fail (refuse what its signers say). `weft keys revoke --refresh` signs a fresh list.
  # revocation_expired: warn
)";

constexpr std::string_view reliability_yaml =
    R"(# That messages arrive, or the sender knows. `weft journal serve` records what passes and keeps it.
reliability:
  # Names on the certificates of the fabric's journals (role journal, as ours has). `--durable` asks
  # any one of them, and holes in what a subscriber receives are filled from them. Once
  # `weft journal serve` runs somewhere, name it here, on every host:
  # journals: [{name_yaml}]

  # Where they answer readers; a journal that is not named here is asked at journal.listen.
  # journal_endpoints:
  #   journal.host2: "tcp://10.0.0.2:9942"

  # The journal that runs here. What is older than max_age, or beyond max_bytes, is trimmed.
  journal:
    path: var/journal
    listen: {journal_yaml}
    # topics: ["git.**"]      # empty: everything below topic_prefix.environment
    # max_age: 7d
    # max_bytes: 10GiB

  # What no journal has acknowledged is kept here, and handed in once one is back (docs/journal.md).
  # outbox: var/outbox
  # outbox_max: 256MiB

  # How long a publish waits for its acknowledgements, where the command does not say.
  # ack_timeout: 250ms
)";

constexpr std::string_view gateway_yaml =
    R"(# Other protocols onto the fabric. `weft gateway` serves them over the journal of 40-reliability.yaml.
gateway:
  # Where it listens, and for what; these are the defaults.
  # listeners:
  #   - { address: "127.0.0.1:8080", serve: [native, metrics] }
  #   - { address: "127.0.0.1:8000", serve: [rse] }

  # TLS on every listener; with `only`, plain HTTP is sent there. SIGHUP reads both files again.
  # tls: { certificate: tls.pem, key: tls.key, only: true }

  auth:
    # true: who shows no token gets in nowhere. `weft token add` makes one.
    required: false

  # A line for each answer: "" is none, - is stderr; json or text.
  # access_log: { path: var/access.log, format: json }

# What `weft hub` runs: a program for each message that comes (docs/hub.md).
# hub:
#   consumers:
#     - { name: deploy, topics: ["git.**"], exec: [bin/deploy], durable: true }
)";

}  // namespace

std::vector<SetupFile> setup_files(const SetupValues& values) {
    // A JSON string is a YAML scalar in double quotes: nothing in it can be taken for syntax.
    const auto quoted = [](const std::string& text) { return fabric::json_string(text); };
    return {
        {"weft.d/10-weft.yaml", "who we are: topic_prefix, environment, name",
         fmt::format(fmt::runtime(weft_yaml), fmt::arg("prefix", values.topic_prefix),
                     fmt::arg("environment", values.environment),
                     fmt::arg("prefix_yaml", quoted(values.topic_prefix)),
                     fmt::arg("environment_yaml", quoted(values.environment)),
                     fmt::arg("name_yaml", quoted(values.name)))},
        {"weft.d/20-fabric.yaml", "where the relay is",
         fmt::format(fmt::runtime(fabric_yaml),
                     fmt::arg("inbound_yaml", quoted(values.relay_inbound)),
                     fmt::arg("outbound_yaml", quoted(values.relay_outbound)))},
        {"weft.d/30-signing.yaml", "whom we believe, and who may publish what",
         fmt::format(fmt::runtime(signing_yaml),
                     fmt::arg("root", values.topic_prefix + "." + values.environment))},
        {"weft.d/40-reliability.yaml", "which journals there are, and what ours keeps",
         fmt::format(fmt::runtime(reliability_yaml), fmt::arg("name_yaml", quoted(values.name)),
                     fmt::arg("journal_yaml", quoted(values.journal)))},
        {"weft.d/60-gateway.yaml", "who may use the gateway, where it listens; consumers of a hub",
         std::string{gateway_yaml}},
    };
}

}  // namespace weft::tools
