// weft keys show: every field of one certificate, and whether it is believed.

#include <fmt/format.h>

#include <memory>
#include <string>

#include "fabric/message/json_form.hpp"
#include "signing/identity.hpp"
#include "signing/refusal.hpp"
#include "tools/key_directory.hpp"
#include "tools/key_report.hpp"
#include "tools/keys_command.hpp"
#include "tools/standard_output.hpp"

namespace weft::tools {
namespace {

namespace fs = std::filesystem;

struct Flags {
    std::string dir, target;
    bool json = false;
};

/// A name of this directory wins over a file of the same name where we stand.
fs::path find_file(const fs::path& directory, const std::string& target) {
    std::error_code ignored;
    if (signing::name_error(target).empty()) {
        fs::path named = signing::certificate_file(directory, target);
        if (fs::exists(named, ignored)) return named;
    }
    if (fs::exists(target, ignored)) return target;
    throw failure("'" + directory.string() + "' has no certificate of '" + signing::escape(target) +
                  "', and there is no file of that name either");
}

std::string as_text(const KeyDirectory& directory, const FoundCertificate& found,
                    signing::UtcSeconds now) {
    const signing::Certificate& certificate = *found.certificate;
    const KnownAuthority* issuer = directory.issuer_of(certificate);
    const Verdict verdict = directory.judge(certificate, now);
    const bool has_curve_key = certificate.curve_key() != signing::PublicKey{};
    return fmt::format(
        "name         {}\n"
        "serial       {}\n"
        "roles        {}\n"
        "may publish  {}\n"
        "not before   {}\n"
        "not after    {}\n"
        "issuer       {} (id {})\n"
        "key          {}\n"
        "curve key    {}\n"
        "fingerprint  {}\n"
        "file         {}\n"
        "verdict      {}\n",
        certificate.name(), serial_text(certificate.serial()),
        signing::roles_text(certificate.roles()), globs_text(certificate),
        time_text(certificate.not_before()), time_text(certificate.not_after()),
        issuer == nullptr ? "unknown" : issuer->key.name, hex_of(certificate.issuer()),
        hex_of(certificate.key()), has_curve_key ? hex_of(certificate.curve_key()) : "none",
        hex_of(certificate.fingerprint()), found.file.string(), verdict.sentence);
}

int show(Context& context, const Flags& flags) {
    const KeyDirectory directory = KeyDirectory::read(key_directory_path(context, flags.dir));
    const fs::path file = find_file(directory.path, flags.target);
    auto certificate = signing::read_certificate_file(file);
    if (!certificate) throw failure(certificate.error());
    const FoundCertificate found{file, std::move(*certificate)};
    const signing::UtcSeconds now = utc_now();
    write_out(flags.json ? fabric::to_json(certificate_value(directory, found, now)) + "\n"
                         : as_text(directory, found, now));
    return exit_done;
}

}  // namespace

void add_keys_show(CLI::App& keys, Context& context) {
    CLI::App* command =
        keys.add_subcommand("show", "Every field of one certificate, and whether it is believed");
    auto flags = std::make_shared<Flags>();
    command
        ->add_option("NAME-or-FILE", flags->target,
                     "The name on a certificate here, or a certificate file from anywhere")
        ->required();
    add_dir_flag(*command, flags->dir);
    command->add_flag("--json", flags->json, "One JSON object");
    command->footer(
        "The verdict is that of a receiver that trusts the CAs and lists of this directory, now.\n"
        "The exit code is 0 whatever it is: for scripts, read .state of --json.\n\n"
        "Example:\n"
        "  weft keys show git.host1\n"
        "  weft keys show ~/received/git.host1.cert --json");
    command->callback(
        [flags, &context] { context.run = [flags, &context] { return show(context, *flags); }; });
}

}  // namespace weft::tools
