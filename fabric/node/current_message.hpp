#pragma once
// The message that this thread is handling. What is published meanwhile was caused by it, and says
// so: it is the parent, unless PublishOptions::parent says something else.
//
//     const CurrentMessage scope(message.id());
//     handler(message);  // publish() in here sets the parent
//
// Threads: each has its own. Scopes nest; the innermost counts.

#include "fabric/message/message_id.hpp"

namespace weft::fabric {

class CurrentMessage {
public:
    explicit CurrentMessage(const MessageId& id) noexcept : outer_(current_) { current_ = id; }
    ~CurrentMessage() { current_ = outer_; }
    CurrentMessage(const CurrentMessage&) = delete;
    CurrentMessage& operator=(const CurrentMessage&) = delete;

    /// None where no message is being handled.
    [[nodiscard]] static const MessageId& id() noexcept { return current_; }

private:
    static inline thread_local MessageId current_;
    const MessageId outer_;
};

}  // namespace weft::fabric
