// What `weft hub-plugin` does, alone: the process of an isolated plugin.

#include <cstdio>
#include <string_view>

#include "reliability/hub/plugin_host_process.hpp"

int main(int argc, char** argv) {
    if (argc != 2 || std::string_view{argv[1]} != "hub-plugin") {
        std::fputs("usage: plugin_host hub-plugin\n", stderr);
        return 64;
    }
    return weft::reliability::hub::run_plugin_host();
}
