// The same as line_writer_program.cpp, as a plugin.

#include <fcntl.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

#include "reliability/hub/plugin.hpp"

namespace {

class LineWriter : public weft::plugin::Consumer {
    void start(weft::plugin::Host& host) override {
        const std::string path = host.settings().text("file").value_or("");
        file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (file_ < 0) throw std::runtime_error("cannot open '" + path + "': set settings.file");
    }
    weft::plugin::Result consume(const weft::plugin::Message& message) override {
        const std::string text = std::string{message.topic()} + " " +
                                 std::to_string(message.integer("n").value_or(0)) + "\n";
        if (::write(file_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
            return weft::plugin::Result::retry("the file does not take it");
        }
        return weft::plugin::Result::done();
    }
    void stop() override { ::close(file_); }

    int file_ = -1;
};

}  // namespace

WEFT_CONSUMER_PLUGIN(LineWriter)
