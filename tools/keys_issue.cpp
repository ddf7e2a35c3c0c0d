// weft keys issue: a key and a certificate for one name.

#include <fmt/format.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/section.hpp"
#include "fabric/message/topic.hpp"
#include "signing/identity.hpp"
#include "signing/refusal.hpp"
#include "tools/authority_files.hpp"
#include "tools/key_directory.hpp"
#include "tools/keys_command.hpp"
#include "tools/name_flag.hpp"
#include "tools/standard_output.hpp"

namespace weft::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::array known_roles = {signing::Role::publish, signing::Role::ack,
                                    signing::Role::journal, signing::Role::gateway,
                                    signing::Role::relay};

struct Flags {
    std::string dir, name, authority = std::string(signing::default_authority_name);
    std::vector<std::string> roles = {"publish", "ack"}, globs;
    int days = 365;
    bool force = false;
};

std::vector<std::string> role_names() {
    std::vector<std::string> names;
    names.reserve(known_roles.size());
    for (const signing::Role role : known_roles) names.emplace_back(signing::name_of(role));
    return names;
}

std::uint8_t roles_of(const Flags& flags) {
    unsigned roles = 0;
    for (const std::string& name : flags.roles) {
        const auto role = signing::role_named(name);
        if (!role) throw usage_error("--role '" + signing::escape(name) + "' is not a role");
        roles |= static_cast<std::uint8_t>(*role);
    }
    return static_cast<std::uint8_t>(roles);
}

fabric::TopicSpace topic_space(Context& context) {
    config::Problems problems;
    const config::Section root(context.configuration(), "", problems);
    fabric::TopicSpace space{root.text("topic_prefix"), root.text("environment")};
    Context::require_none(problems);
    return space;
}

/// As typed first, so that the place in the message is the place on the screen.
signing::TopicGlob glob_of(const fabric::TopicSpace& space, const std::string& typed) {
    const std::string argument = "--publish '" + signing::escape(typed) + "': ";
    if (const auto glob = signing::TopicGlob::parse(typed); !glob) {
        throw usage_error(argument + glob.error());
    }
    auto glob = signing::TopicGlob::parse(space.complete_glob(typed));
    if (!glob) {
        throw usage_error(argument + "completed to '" +
                          signing::escape(space.complete_glob(typed)) + "': " + glob.error());
    }
    return std::move(*glob);
}

signing::CertificateRequest request_of(Context& context, const Flags& flags) {
    require_name("NAME", flags.name);
    require_name("--ca", flags.authority);
    signing::CertificateRequest request;
    request.name = flags.name;
    request.roles = roles_of(flags);
    if (flags.globs.size() > signing::Certificate::globs_max) {
        throw usage_error(
            fmt::format("--publish is given {} times; a certificate has at most {} "
                        "globs, so name wider ones",
                        flags.globs.size(), signing::Certificate::globs_max));
    }
    if (!flags.globs.empty()) {
        if ((request.roles & static_cast<std::uint8_t>(signing::Role::publish)) == 0) {
            throw usage_error("--publish needs the role publish: add --role publish");
        }
        const fabric::TopicSpace space = topic_space(context);
        for (const std::string& typed : flags.globs) {
            request.globs.push_back(glob_of(space, typed));
        }
    }
    request.not_before = utc_now();
    request.not_after = request.not_before + flags.days * day_seconds;
    return request;
}

/// With --force the certificate that is replaced goes on being believed: somebody may have a copy.
std::string about_the_old_one(const std::optional<signing::Certificate>& old,
                              signing::UtcSeconds now) {
    if (!old || old->not_after() < now) return {};
    return fmt::format(
        "replaced serial {0}, which stays valid until {1} wherever a copy of it is; if it must "
        "not:\n"
        "  weft keys revoke {0} --reason superseded\n",
        serial_text(old->serial()), time_text(old->not_after()));
}

std::string report(const fs::path& directory, const signing::Certificate& certificate,
                   const Flags& flags) {
    std::string text = fmt::format(
        "issued {} by CA {}\n"
        "  serial       {}\n"
        "  roles        {}\n"
        "  may publish  {}\n"
        "  valid until  {}\n"
        "  {}   public\n"
        "  {}    private: mode 0600, for the host of {} alone\n",
        certificate.name(), flags.authority, serial_text(certificate.serial()),
        signing::roles_text(certificate.roles()), globs_text(certificate),
        time_text(certificate.not_after()),
        signing::certificate_file(directory, certificate.name()).string(),
        signing::key_file(directory, certificate.name()).string(), certificate.name());
    if (certificate.globs().empty() && certificate.has(signing::Role::publish)) {
        text += fmt::format(
            "without --publish this certificate may publish nothing; to grant topics:\n"
            "  weft keys issue {} --publish '{}.**' --force\n",
            certificate.name(), certificate.name().substr(0, certificate.name().find('.')));
    }
    return text;
}

int issue(Context& context, const Flags& flags) {
    signing::CertificateRequest request = request_of(context, flags);
    const signing::UtcSeconds now = request.not_before;
    const fs::path directory = key_directory_path(context, flags.dir);
    const DirectoryLock lock(directory);
    const auto when =
        flags.force ? signing::WhenFileExists::replace : signing::WhenFileExists::refuse;
    if (!flags.force) {
        require_none_exists({signing::key_file(directory, flags.name),
                             signing::certificate_file(directory, flags.name)},
                            "--force replaces the key and the certificate of " + flags.name);
    }
    const auto authority = signing::Authority::load(directory, flags.authority);
    if (!authority) throw failure(authority.error());
    std::optional<signing::Certificate> old;
    if (const auto found =
            signing::read_certificate_file(signing::certificate_file(directory, flags.name))) {
        old = **found;
    }
    const auto identity = signing::issue_identity(directory, *authority, std::move(request), when);
    if (!identity) throw failure(identity.error());
    write_out(report(directory, *identity->certificate, flags) + about_the_old_one(old, now));
    return exit_done;
}

}  // namespace

void add_keys_issue(CLI::App& keys, Context& context) {
    CLI::App* command = keys.add_subcommand("issue", "Make a key and a certificate for NAME");
    auto flags = std::make_shared<Flags>();
    command
        ->add_option("NAME", flags->name,
                     "Who it is for: lower-case letters, digits, '-', '_' and '.'")
        ->required();
    add_dir_flag(*command, flags->dir);
    // One value each: else a name that stands behind them would be taken for one more.
    command->add_option("--role", flags->roles, "What it may do (repeatable)")
        ->allow_extra_args(false)
        ->check(CLI::IsMember(role_names()))
        ->type_name("ROLE")
        ->capture_default_str();
    command
        ->add_option("--publish", flags->globs,
                     "Topics that it may publish; short ones are completed (repeatable)")
        ->allow_extra_args(false)
        ->type_name("GLOB");
    command->add_option("--days", flags->days, "How long it is valid")
        ->check(CLI::Range(1, 36'500))
        ->capture_default_str();
    command->add_option("--ca", flags->authority, "The CA that signs it")
        ->type_name("CA")
        ->capture_default_str();
    command->add_flag("--force", flags->force, "Replace the key and certificate of that name");
    command->footer(
        "The globs are completed under <topic_prefix>.<environment>. of the configuration, and\n"
        "stand inside the CA's signature: nobody believes a message outside of them. In a glob "
        "`*`\n"
        "is any part of one token, `**` any number of tokens. Quote them for your shell.\n\n"
        "Example:\n"
        "  weft keys issue git.host1 --publish 'git.**' --publish 'repo.*.created'\n"
        "  weft keys issue audit --role ack --days 90");
    command->callback(
        [flags, &context] { context.run = [flags, &context] { return issue(context, *flags); }; });
}

}  // namespace weft::tools
