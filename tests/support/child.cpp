#include "tests/support/child.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>

#include "tests/support/sanitizer_reports.hpp"

namespace weft::testing {
namespace {

std::vector<std::string> environment_of(const std::filesystem::path& home,
                                        const std::map<std::string, std::string>& more) {
    std::map<std::string, std::string> variables = {
        {"HOME", home.string()},
        {"XDG_CONFIG_HOME", (home / ".config").string()},
        {"XDG_DATA_HOME", (home / ".local/share").string()},
        {"XDG_STATE_HOME", (home / ".local/state").string()},
        {"XDG_CACHE_HOME", (home / ".cache").string()},
        {"XDG_RUNTIME_DIR", (home / "run").string()},
        {"LANG", "C.UTF-8"},
        {"TZ", "UTC"},
    };
    // What the build under test itself needs.
    for (const char* name : {"PATH", "TMPDIR", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "LSAN_OPTIONS",
                             "UBSAN_OPTIONS", "TSAN_OPTIONS", "LLVM_PROFILE_FILE"}) {
        if (const char* value = std::getenv(name)) variables[name] = value;
    }
    for (const auto& [name, value] : more) variables[name] = value;
    send_reports_to(home, variables);
    std::vector<std::string> environment;
    for (const auto& [name, value] : variables) environment.push_back(name + "=" + value);
    return environment;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

/// What the child needs, made before the fork: behind it only async-signal-safe calls are allowed.
struct Launch {
    const char* cwd;  ///< Null: stay.
    char* const* argv;
    char* const* environment;
    int in, out, err;
    int report;  ///< Takes errno if the program does not start; closed by exec.
    pid_t parent;
};

[[noreturn]] void become(const Launch& launch) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const bool orphaned = ::getppid() != launch.parent;  // it died before prctl
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    if (!orphaned && ::dup2(launch.in, 0) >= 0 && ::dup2(launch.out, 1) >= 0 &&
        ::dup2(launch.err, 2) >= 0 && (launch.cwd == nullptr || ::chdir(launch.cwd) == 0)) {
        ::execvpe(launch.argv[0], launch.argv, launch.environment);
    }
    const int error = errno;
    static_cast<void>(!::write(launch.report, &error, sizeof error));
    ::_exit(127);
}

}  // namespace

Child start_child(const ChildPlan& child_plan) {
    Pipe input = make_pipe(), output = make_pipe(), errors = make_pipe(), report = make_pipe();
    std::vector<std::string> argv_texts = child_plan.argv;
    std::vector<std::string> environment_texts =
        environment_of(child_plan.home, child_plan.environment);
    const std::vector<char*> argv = pointers_to(argv_texts);
    const std::vector<char*> environment = pointers_to(environment_texts);
    const std::string cwd = child_plan.cwd.string();
    const Launch launch{cwd.empty() ? nullptr : cwd.c_str(),
                        argv.data(),
                        environment.data(),
                        input.read_end.get(),
                        output.write_end.get(),
                        errors.write_end.get(),
                        report.write_end.get(),
                        ::getpid()};
    const pid_t pid = ::fork();
    if (pid < 0) fail_with_errno("fork");
    if (pid == 0) become(launch);

    report.write_end.close();
    int error = 0;
    if (::read(report.read_end.get(), &error, sizeof error) > 0) {
        ::waitpid(pid, nullptr, 0);
        throw std::system_error(error, std::generic_category(),
                                "cannot start " + child_plan.argv.front());
    }
    return {pid, std::move(input.write_end), std::move(output.read_end),
            std::move(errors.read_end)};
}

}  // namespace weft::testing
