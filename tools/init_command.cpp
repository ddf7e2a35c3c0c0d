// weft init: a working setup in one directory: a CA, a first certificate, commented configuration.

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/section.hpp"
#include "fabric/message/json_form.hpp"
#include "fabric/message/topic.hpp"
#include "signing/identity.hpp"
#include "tools/authority_files.hpp"
#include "tools/command.hpp"
#include "tools/key_directory.hpp"
#include "tools/made_files.hpp"
#include "tools/name_flag.hpp"
#include "tools/setup_files.hpp"
#include "tools/standard_output.hpp"

namespace weft::tools {
namespace {

namespace fs = std::filesystem;

struct Flags {
    std::string dir = ".", name;
    int days = 365;
};

/// What the new setup takes over from the configuration in force: of this site, and from --set.
SetupValues values_in_force(Context& context, const std::string& name) {
    config::Problems problems;
    const config::Section root(context.configuration(), "", problems);
    SetupValues values;
    values.name = name;
    values.topic_prefix = root.text("topic_prefix");
    values.environment = root.text("environment");
    values.journal = root.text("reliability.journal.listen");
    values.relay_inbound = root.text("fabric.relay.inbound");
    values.relay_outbound = root.text("fabric.relay.outbound");
    Context::require_none(problems);
    return values;
}

signing::TopicGlob everything_below(const SetupValues& values) {
    const fabric::TopicSpace space{values.topic_prefix, values.environment};
    auto glob = signing::TopicGlob::parse(space.root() + ".**");
    if (!glob) {
        throw usage_error("topic_prefix '" + values.topic_prefix +
                          "' cannot begin a topic: " + glob.error());
    }
    return std::move(*glob);
}

class Setup {
public:
    Setup(SetupValues values, fs::path directory)
        : values_(std::move(values)),
          directory_(std::move(directory)),
          keys_(directory_ / "keys"),
          grant_(everything_below(values_)) {
        files_ = authority_files(keys_, authority_name());
        files_.push_back(signing::certificate_file(keys_, values_.name));
        files_.push_back(signing::key_file(keys_, values_.name));
        for (const SetupFile& file : setup_files(values_)) {
            files_.push_back(directory_ / file.path);
        }
    }

    void require_free_place() const {
        require_none_exists(files_,
                            "choose another --dir; to add a certificate to a setup that is there, "
                            "use `weft keys issue NAME`");
    }

    /// All or nothing. Returns what it made, for people.
    std::string make(signing::UtcSeconds now, int days) {
        MadeFiles made;
        for (const fs::path& folder : {directory_, keys_, directory_ / "weft.d"}) {
            if (const std::error_code error = made.make_directories(folder)) {
                throw failure("cannot make the directory '" + folder.string() +
                              "': " + error.message());
            }
        }
        const DirectoryLock lock(keys_);
        require_free_place();  // another `weft init` may have been quicker
        const signing::Authority authority = make_authority(keys_, authority_name(), now, made);
        const auto certificate = issue(authority, now, days, made);
        for (const SetupFile& file : setup_files(values_)) {
            made.add(directory_ / file.path);
            const auto written = signing::write_file(directory_ / file.path, file.text, 0644,
                                                     signing::WhenFileExists::refuse);
            if (!written) throw failure(written.error());
        }
        made.keep();
        return report(*certificate, now);
    }

private:
    static std::string authority_name() { return std::string(signing::default_authority_name); }

    std::shared_ptr<const signing::Certificate> issue(const signing::Authority& authority,
                                                      signing::UtcSeconds now, int days,
                                                      MadeFiles& made) const {
        signing::CertificateRequest request;
        request.name = values_.name;
        // Those of relay and journal, too: on one host the same service may run them.
        request.roles = static_cast<std::uint8_t>(signing::Role::publish) |
                        static_cast<std::uint8_t>(signing::Role::ack) |
                        static_cast<std::uint8_t>(signing::Role::journal) |
                        static_cast<std::uint8_t>(signing::Role::relay);
        request.globs = {grant_};
        request.not_before = now;
        request.not_after = now + days * day_seconds;
        made.add(signing::key_file(keys_, values_.name));
        made.add(signing::certificate_file(keys_, values_.name));
        auto identity = signing::issue_identity(keys_, authority, std::move(request));
        if (!identity) throw failure(identity.error());
        return identity->certificate;
    }

    [[nodiscard]] std::string report(const signing::Certificate& certificate,
                                     signing::UtcSeconds now) const {
        std::string text =
            fmt::format("made a setup for {} in {}\n", values_.name, directory_.string());
        const auto line = [&](const std::string& path, const std::string& what) {
            text += fmt::format("  {:<28} {}\n", path, what);
        };
        const std::string name = "keys/" + values_.name;
        line("keys/root.ca", "the CA: who is believed; public, copy it to every host");
        line("keys/root.ca-key", "signs certificates; private, best kept offline");
        line("keys/root.revoked", "list 1 of revoked certificates, empty; next update " +
                                      time_text(now + revocation_list_days * day_seconds));
        line(name + ".cert", "serial " + serial_text(certificate.serial()) + ", " +
                                 signing::roles_text(certificate.roles()) + ", may publish " +
                                 grant_.text() + ", until " + time_text(certificate.not_after()));
        line(name + ".key", "signs messages; private, stays on this host");
        for (const SetupFile& file : setup_files(values_)) line(file.path, file.purpose);
        return text;
    }

    SetupValues values_;
    fs::path directory_, keys_;
    signing::TopicGlob grant_;
    std::vector<fs::path> files_;
};

/// As a POSIX shell reads it back to the same bytes.
std::string shell_word(const std::string& text) {
    const bool plain =
        !text.empty() && text.find_first_not_of(
                             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             "/._-+:@%,=") == std::string::npos;
    if (plain) return text;
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\'') {
            quoted += "'\\''";
        } else {
            quoted += c;
        }
    }
    return quoted + "'";
}

std::string next_command(const fs::path& directory) {
    if (directory.lexically_normal() == ".") return "weft relay";
    const std::string word = shell_word(directory.string());
    return std::string("cd ") + (word.front() == '-' ? "./" : "") + word + " && weft relay";
}

int run(Context& context, const Flags& flags) {
    const std::string name = flags.name.empty() ? default_name() : flags.name;
    require_name("--name", name);
    if (flags.dir.empty()) throw usage_error("--dir is empty; name a directory, such as demo");
    fs::path directory = flags.dir;
    if (!directory.has_filename()) directory = directory.parent_path();  // a slash at the end
    Setup setup(values_in_force(context, name), directory);
    setup.require_free_place();
    const std::string made = setup.make(utc_now(), flags.days);
    write_out(made + "next:\n  " + next_command(directory) + "\n");
    return exit_done;
}

}  // namespace

void add_init(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand(
        "init", "Make a working setup: a CA, a key and certificate, and commented configuration");
    auto flags = std::make_shared<Flags>();
    command->add_option("--dir", flags->dir, "Where; made if it is not there")
        ->type_name("DIR")
        ->capture_default_str();
    command
        ->add_option("--name", flags->name,
                     "Who this host's service is: the name on its certificate; without it "
                     "<user>.<host>")
        ->type_name("NAME");
    command->add_option("--days", flags->days, "How long the certificate is valid")
        ->check(CLI::Range(1, 36'500))
        ->capture_default_str();
    command->footer(
        "It makes DIR/keys with a CA named root, its empty revocation list (next update in 30 "
        "days:\n"
        "`weft keys revoke --refresh` signs the next one) and the certificate, and three files in\n"
        "DIR/weft.d. topic_prefix, environment and the relay's endpoints are taken from the\n"
        "configuration in force, so --set chooses them. Nothing that exists is overwritten.\n\n"
        "Example:\n"
        "  weft init --dir demo --name git.host1 && cd demo && weft relay\n"
        "  weft init --dir stage --set environment=stg --set topic_prefix=com.example");
    command->callback(
        [flags, &context] { context.run = [flags, &context] { return run(context, *flags); }; });
}

}  // namespace weft::tools
