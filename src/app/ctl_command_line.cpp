#include "realmgw/app/ctl_command_line.hpp"

#include "realmgw/app/version.hpp"
#include "realmgw/base/closest.hpp"

#include <algorithm>
#include <getopt.h>
#include <vector>

namespace rgw::app {
namespace {

/// " (did you mean WORD?)", where a near one is known.
std::string suggestion(std::string_view word, const std::vector<std::string_view>& known,
                       const std::string& before = "") {
  const auto near = closest(word, known);
  return near.empty() ? std::string{} : ": did you mean " + before + std::string{near} + "?";
}

const CtlCommand* command_named(std::string_view name) {
  const auto all = ctl_commands();
  const auto found = std::ranges::find(all, name, &CtlCommand::name);
  return found == all.end() ? nullptr : &*found;
}

std::string unknown_command(std::string_view word) {
  std::vector<std::string_view> known;
  std::string second;
  for (const auto& command : ctl_commands()) {
    known.push_back(command.name);
    if (command.name.starts_with(std::string{word} + " "))
      second += (second.empty() ? "" : ", ") + std::string{command.name};
  }
  if (!second.empty()) return std::string{word} + " alone is no command; there are " + second;
  return "unknown command: " + std::string{word} + suggestion(word, known);
}

std::string unexpected(const CtlCommand& command, std::string_view word) {
  std::vector<std::string_view> known;
  for (const auto& other : ctl_commands()) {
    if (other.name.starts_with(command.name) && other.name != command.name)
      known.push_back(other.name.substr(command.name.size() + 1));
  }
  return "unexpected argument: " + std::string{word} +
         suggestion(word, known, std::string{command.name} + " ");
}

/// The options of all commands, each name once.
std::vector<CtlOption> all_options() {
  std::vector<CtlOption> all;
  for (const auto& command : ctl_commands()) {
    for (const auto& option : command.options) {
      if (std::ranges::find(all, option.name, &CtlOption::name) == all.end()) all.push_back(option);
    }
  }
  return all;
}

int kind_of(const CtlOption& option) {
  if (option.value.empty()) return no_argument;
  return option.may_lack_value ? optional_argument : required_argument;
}

std::string unknown_option(std::string_view word, const std::vector<CtlOption>& options) {
  std::vector<std::string_view> known;
  for (const auto& option : options) known.push_back(option.name);
  for (const auto& general : ctl_general_options()) known.push_back(general.option.name);
  const auto name = word.substr(0, word.find('='));
  if (name.size() != word.size() && name.starts_with("--") &&
      std::ranges::find(known, name.substr(2)) != known.end())
    return std::string{name} + " takes no value";
  std::string text = "unknown option: " + std::string{word};
  if (!word.starts_with("--")) return text;
  return text + suggestion(word.substr(2, word.find('=') - 2), known, "--");
}

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 9 && text.find_first_not_of("0123456789") == text.npos;
}

/// What is wrong with an option's value; nothing where it is good, or for the gateway to judge.
std::string mistake_in(const CtlOption& option, std::string_view value) {
  const std::string name = "--" + std::string{option.name};
  if (option.value == "N" && !is_number(value)) return name + " takes a number";
  if (option.may_lack_value && !value.empty() && (!is_number(value) || value == "0"))
    return name + " takes a number of seconds";
  if (option.value.empty() || option.may_lack_value) return {};
  if (value.empty() || value.find_first_of(" \t\r\n") != value.npos)
    return name + " takes one word, " + std::string{option.value};
  return {};
}

std::string not_of_command(const CtlCommand& command, std::string_view option) {
  std::string text = std::string{command.name} + " takes no --" + std::string{option};
  for (const auto& own : command.options)
    text += (&own == &command.options.front() ? "; it takes --" : ", --") + std::string{own.name};
  return text;
}

}  // namespace

std::variant<CtlText, CtlMistake, CtlAsked> parse_ctl_command_line(int argc, char* const* argv) {
  constexpr int first_long = 256;
  const auto options = all_options();
  std::vector<option> known;
  std::string letters{":"};
  for (const auto& [letter, one] : ctl_general_options()) {
    known.push_back({one.name.data(), kind_of(one), nullptr, letter});
    letters += letter;
    if (!one.value.empty()) letters += ':';
  }
  for (std::size_t i = 0; i < options.size(); ++i)
    known.push_back({options[i].name.data(), kind_of(options[i]), nullptr, first_long + static_cast<int>(i)});
  known.push_back({});

  CtlRequest request;
  bool help = false;
  optind = 0;  // glibc: start afresh, whoever parsed before
  opterr = 0;
  for (int letter = 0; (letter = getopt_long(argc, argv, letters.c_str(), known.data(), nullptr)) != -1;) {
    if (letter >= first_long) {
      const CtlOption& given = options[static_cast<std::size_t>(letter - first_long)];
      const std::string value = optarg == nullptr ? "" : optarg;
      if (auto mistake = mistake_in(given, value); !mistake.empty()) return CtlMistake{std::move(mistake)};
      request.options[given.name] = value;
      continue;
    }
    switch (letter) {
      case 's':
        request.socket = optarg;
        break;
      case 'j':
        request.json = true;
        break;
      case 'h':
        help = true;
        break;
      case 'V':
        return CtlText{std::string{"realmgwctl "} + version + "\n"};
      case ':':
        return CtlMistake{std::string{argv[optind - 1]} + " needs an argument"};
      default:
        // Of letters that stand together getopt has not gone on to the next word.
        return CtlMistake{optopt > 0 && optopt < first_long &&
                                  !std::string_view{argv[optind - 1]}.starts_with("--")
                              ? std::string{"unknown option: -"} + char(optopt)
                              : unknown_option(argv[optind - 1], options)};
    }
  }
  if (optind == argc) {
    if (help) return CtlText{ctl_help()};
    return CtlMistake{"a command is needed"};
  }
  int next = optind;
  const CtlCommand* command = command_named(argv[next++]);
  if (next < argc) {
    if (const auto* two = command_named(std::string{argv[next - 1]} + " " + argv[next])) {
      command = two;
      ++next;
    }
  }
  if (command == nullptr) return CtlMistake{unknown_command(argv[optind])};
  if (help) return CtlText{ctl_help(*command)};
  if (!command->argument.empty()) {
    if (next == argc && !command->may_lack_argument)
      return CtlMistake{std::string{command->name} + " takes " + std::string{command->argument_is}};
    if (next < argc) request.argument = argv[next++];
    while (command->several && next < argc) request.argument += std::string{" "} + argv[next++];
  }
  if (next < argc) return CtlMistake{unexpected(*command, argv[next])};
  for (const auto& [name, value] : request.options) {
    if (std::ranges::find(command->options, name, &CtlOption::name) == command->options.end())
      return CtlMistake{not_of_command(*command, name)};
  }
  if (command->name == "sessions delete" && request.options.empty())
    return CtlMistake{"sessions delete: say which sessions, or --all"};
  if (request.has("all") && command->name == "sessions delete" && request.options.size() > 1)
    return CtlMistake{"sessions delete: --all goes with no other option"};
  return CtlAsked{command, std::move(request)};
}

}  // namespace rgw::app
