#include "fabric/curve_setup.hpp"

#include "signing/identity.hpp"

namespace weft::fabric {
namespace {

tl::expected<std::shared_ptr<signing::TrustStore>, std::string> opened(
    const signing::TrustSettings& settings) {
    auto store = signing::TrustStore::open(settings);
    if (store) return std::move(*store);
    std::string text;
    for (const std::string& line : store.error()) text += (text.empty() ? "" : "\n") + line;
    return tl::make_unexpected(text);
}

tl::expected<signing::CurveKeyPair, std::string> own_keys(const Settings& settings,
                                                          const signing::Settings& signing_settings,
                                                          const signing::Trust& trust,
                                                          const Clock& clock) {
    if (settings.name.empty()) {
        return tl::make_unexpected(std::string{
            "`name` is not set: with fabric.curve on it says which key and certificate to connect "
            "with (`weft init` makes a configuration with one)"});
    }
    const auto now = static_cast<signing::UtcSeconds>(clock.utc_us() / 1'000'000);
    const auto identity =
        signing::load_identity(signing_settings.directory, settings.name, trust, now);
    if (!identity) return tl::make_unexpected(identity.error());
    auto keys = signing::CurveKeyPair::of(*identity->key);
    if (identity->certificate->curve_key() != keys.public_key) {
        return tl::make_unexpected(
            "'" + signing::certificate_file(signing_settings.directory, settings.name).string() +
            "' does not hold the Curve key of its owner, so nobody would let us in with "
            "fabric.curve on; issue it again with `weft keys issue " +
            settings.name + " --force`");
    }
    return keys;
}

}  // namespace

tl::expected<std::shared_ptr<Curve>, std::string> make_curve(
    const Settings& settings, const signing::Settings& signing_settings,
    std::shared_ptr<signing::TrustStore> trust, const Clock& clock,
    std::function<void(const std::string&)> warn) {
    if (!trust) {
        auto store = opened(signing_settings.trust);
        if (!store) return tl::make_unexpected(store.error());
        trust = std::move(*store);
    }
    auto keys = own_keys(settings, signing_settings, *trust->current(), clock);
    if (!keys) return tl::make_unexpected(keys.error());
    auto directory =
        std::make_shared<signing::CurveDirectory>(signing_settings.directory, std::move(trust));
    auto curve =
        std::make_shared<Curve>(std::move(*keys), std::move(directory), clock, std::move(warn));
    curve->look();
    const auto certificates = curve->certificates();
    for (const auto& [name, endpoints] : settings.endpoints) {
        bool any = false;
        for (const config::Endpoint& endpoint : endpoints) {
            if (endpoint.is_wildcard_port() || endpoint.is_wildcard_host()) continue;
            curve->expect(endpoint.text(), name);
            any = true;
        }
        if (!any) continue;
        // Not an error: one publisher that is not known yet must not stop all the others.
        const auto server = server_named(*certificates, name, curve->now());
        if (!server) curve->warn(server.error());
    }
    for (const auto& endpoint : {settings.relay_inbound, settings.relay_outbound}) {
        curve->expect_relay(endpoint.text(), settings.relay_name);
    }
    return curve;
}

std::string relay_refusal(const Curve& curve, const Settings& settings) {
    const auto own = relay_named(*curve.certificates(), settings.name, curve.now());
    return own ? "" : own.error();
}

std::string no_relay_key(const Curve& curve, const Settings& settings) {
    const auto relay = relay_named(*curve.certificates(), settings.relay_name, curve.now());
    return relay ? "" : relay.error();
}

}  // namespace weft::fabric
