// weft keys: certificates and revocation lists. Each part stands in a file of its own; this one
// has the table, what they share, and `ca`.

#include "tools/keys_command.hpp"

#include <fmt/format.h>

#include <memory>

#include "config/section.hpp"
#include "signing/refusal.hpp"
#include "tools/authority_files.hpp"
#include "tools/command.hpp"
#include "tools/key_directory.hpp"
#include "tools/made_files.hpp"
#include "tools/name_flag.hpp"
#include "tools/standard_output.hpp"

namespace weft::tools {
namespace {

namespace fs = std::filesystem;

struct AuthorityFlags {
    std::string dir, name = std::string(signing::default_authority_name);
};

int make_ca(Context& context, const AuthorityFlags& flags) {
    require_name("--name", flags.name);
    const fs::path directory = key_directory_path(context, flags.dir);
    const auto files = authority_files(directory, flags.name);
    const std::string advice = "choose another --name or --dir";
    require_none_exists(files, advice);

    const signing::UtcSeconds now = utc_now();
    MadeFiles made;
    if (const std::error_code error = made.make_directories(directory)) {
        throw failure("cannot make the directory '" + directory.string() + "': " + error.message());
    }
    const DirectoryLock lock(directory);
    require_none_exists(files, advice);  // somebody else may have been quicker
    static_cast<void>(make_authority(directory, flags.name, now, made));
    made.keep();
    write_out(fmt::format(
        "made the CA {0} in {1}\n"
        "  {0}.ca       who is believed; public, copy it to every host\n"
        "  {0}.ca-key   signs certificates; private, best kept offline\n"
        "  {0}.revoked  list 1 of revoked certificates, empty; copy it to every host, and again "
        "after each\n"
        "               revocation. Next update {2}: `weft keys revoke --refresh`\n",
        flags.name, directory.string(), time_text(now + revocation_list_days * day_seconds)));
    return exit_done;
}

}  // namespace

void add_dir_flag(CLI::App& command, std::string& dir) {
    command
        .add_option("--dir", dir,
                    "The directory of keys; without it signing.directory of the configuration")
        ->type_name("DIR");
}

fs::path key_directory_path(Context& context, const std::string& dir) {
    if (!dir.empty()) return dir;
    config::Problems problems;
    const config::Section signing(context.configuration(), "signing", problems);
    fs::path directory = signing.path("directory");
    Context::require_none(problems);
    return directory;
}

std::string globs_text(const signing::Certificate& certificate) {
    if (certificate.globs().empty()) return "nothing";
    std::string text;
    for (const signing::TopicGlob& glob : certificate.globs()) {
        text += (text.empty() ? "" : " ") + signing::escape(glob.text(), glob.text().size());
    }
    return text;
}

void add_keys_ca(CLI::App& keys, Context& context) {
    CLI::App* command = keys.add_subcommand("ca", "Make a CA with an empty revocation list");
    auto flags = std::make_shared<AuthorityFlags>();
    add_dir_flag(*command, flags->dir);
    command->add_option("--name", flags->name, "Its name, and that of its files")
        ->type_name("NAME")
        ->capture_default_str();
    command->footer(
        "Whoever has NAME.ca and NAME.revoked believes the certificates that this CA issues.\n"
        "Several may be believed at once: to replace a CA, make the new one beside the old one,\n"
        "issue again, then remove the old one's files.\n\n"
        "Example:\n"
        "  weft keys ca --name root-2027 --dir /srv/weft-ca");
    command->callback([flags, &context] {
        context.run = [flags, &context] { return make_ca(context, *flags); };
    });
}

void add_keys(CLI::App& app, Context& context) {
    CLI::App* keys = app.add_subcommand("keys", "Certificates and revocation lists");
    keys->require_subcommand(1);
    keys->footer(
        "Example:\n"
        "  weft keys issue git.host1 --publish 'git.**'     a key and a certificate\n"
        "  weft keys list                                   who is there, and who is believed\n"
        "  weft keys revoke git.host1 --reason key_compromised");
    for (const auto add :
         {add_keys_ca, add_keys_issue, add_keys_revoke, add_keys_list, add_keys_show}) {
        add(*keys, context);
    }
}

}  // namespace weft::tools
