// Completion of realmgwctl's command line, made from the table of its commands.
#include "realmgw/app/ctl_commands.hpp"

#include <algorithm>
#include <vector>

namespace rgw::app {
namespace {

std::string first_word(std::string_view name) {
  return std::string{name.substr(0, name.find(' '))};
}

/// "delete" of "sessions delete"; empty of a name of one word.
std::string second_word(std::string_view name) {
  const auto blank = name.find(' ');
  return blank == name.npos ? std::string{} : std::string{name.substr(blank + 1)};
}

void append(std::string& words, std::string_view word) {
  words += (words.empty() ? "" : " ") + std::string{word};
}

/// What may stand after a command: its options, its arguments, and second words of commands.
std::string words_after(const CtlCommand& command) {
  std::string words{command.choices};
  for (const auto& option : command.options) append(words, "--" + std::string{option.name});
  for (const auto& other : ctl_commands()) {
    if (other.name != command.name && first_word(other.name) == command.name)
      append(words, second_word(other.name));
  }
  return words;
}

std::string bash() {
  std::string names, general, choices;
  for (const auto& command : ctl_commands()) {
    if (second_word(command.name).empty()) append(names, command.name);
  }
  std::vector<std::string_view> seen;
  const auto note_value = [&](const CtlOption& option) {
    if (option.value.empty() || option.may_lack_value || std::ranges::count(seen, option.name) != 0) return;
    seen.push_back(option.name);
    choices +=
        "    --" + std::string{option.name} + ") " +
        (option.choices.empty() ? std::string{"return"} : "words=\"" + std::string{option.choices} + "\"") +
        " ;;\n";
  };
  for (const auto& [letter, option] : ctl_general_options()) {
    append(general, "--" + std::string{option.name});
    if (option.name != "socket") note_value(option);
  }
  std::string after;
  for (const auto& command : ctl_commands()) {
    for (const auto& option : command.options) note_value(option);
    after += "      \"" + std::string{command.name} + "\") words=\"" + words_after(command) + "\" ;;\n";
  }
  return "# Completes realmgwctl in bash: source <(realmgwctl completion bash)\n"
         "_realmgwctl() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} previous= command= second= words= i\n"
         "  ((COMP_CWORD > 0)) && previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
         "  COMPREPLY=()\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    case ${COMP_WORDS[i]} in\n"
         "      -s | --socket) ((i++)) ;;\n"
         "      -*) ;;\n"
         "      *) if [[ -z $command ]]; then command=${COMP_WORDS[i]};\n"
         "         elif [[ \"$command ${COMP_WORDS[i]}\" == @(" +
         [] {
           std::string pairs;
           for (const auto& command : ctl_commands()) {
             if (second_word(command.name).empty()) continue;
             pairs += (pairs.empty() ? "\"" : "|\"") + std::string{command.name} + "\"";
           }
           return pairs;
         }() +
         ") ]]; then second=\" ${COMP_WORDS[i]}\"; fi ;;\n"
         "    esac\n"
         "  done\n"
         "  case $previous in\n"
         "    -s | --socket) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n" +
         choices +
         "  esac\n"
         "  if [[ -z $words ]]; then\n"
         "    case \"$command$second\" in\n"
         "      \"\") words=\"" +
         names + "\" ;;\n" + after +
         "    esac\n"
         "    [[ $word == -* ]] && words+=\" " +
         general +
         "\"\n"
         "  fi\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "}\n"
         "complete -F _realmgwctl realmgwctl\n";
}

/// Within single quotes, where brackets and colons mean something to _arguments.
std::string quoted_for_zsh(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      if (c == '[' || c == ']' || c == ':') out += '\\';
      out += c;
    }
  }
  return out;
}

std::string zsh_option(const CtlOption& option) {
  std::string spec = "'--" + std::string{option.name};
  if (!option.value.empty()) spec += option.may_lack_value ? "=-" : "=";
  spec += "[" + quoted_for_zsh(option.help) + "]";
  if (!option.value.empty()) {
    spec += option.may_lack_value ? "::" : ":";
    spec += std::string{option.value} + ":";
    if (option.name == "socket") spec += "_files";
    if (!option.choices.empty()) spec += "(" + std::string{option.choices} + ")";
  }
  return spec + "'";
}

std::string zsh_arguments(const CtlCommand& command) {
  std::string line = "_arguments $general";
  for (const auto& option : command.options) line += " " + zsh_option(option);
  std::string second;
  for (const auto& other : ctl_commands()) {
    if (other.name != command.name && first_word(other.name) == command.name)
      append(second, second_word(other.name));
  }
  if (!command.choices.empty()) second = command.choices;
  if (!second.empty())
    line += " '1: :(" + second + ")'";
  else if (!command.argument.empty())
    line += " '1:" + std::string{command.argument} + ":'";
  return line;
}

std::string zsh() {
  std::string general, names, cases;
  for (const auto& [letter, option] : ctl_general_options()) general += " " + zsh_option(option);
  for (const auto& command : ctl_commands()) {
    if (!second_word(command.name).empty()) continue;
    names += " '" + std::string{command.name} + ":" + quoted_for_zsh(command.summary) + "'";
    cases += "        " + std::string{command.name} + ")\n";
    for (const auto& other : ctl_commands()) {
      if (other.name == command.name || first_word(other.name) != command.name) continue;
      cases += "          if [[ $words[2] == " + second_word(other.name) +
               " ]]; then\n"
               "            shift words; ((CURRENT--))\n"
               "            " +
               zsh_arguments(other) + "\n            return\n          fi\n";
    }
    cases += "          " + zsh_arguments(command) + " ;;\n";
  }
  return "#compdef realmgwctl\n"
         "# Completes realmgwctl in zsh: source <(realmgwctl completion zsh), after compinit\n"
         "_realmgwctl() {\n"
         "  local -a general commands line\n"
         "  local context state state_descr\n"
         "  typeset -A opt_args\n"
         "  general=(" +
         general.substr(1) +
         ")\n"
         "  commands=(" +
         names.substr(1) +
         ")\n"
         "  _arguments -C $general '1: :->command' '*:: :->rest'\n"
         "  case $state in\n"
         "    command) _describe command commands ;;\n"
         "    rest)\n"
         "      case $words[1] in\n" +
         cases +
         "      esac ;;\n"
         "  esac\n"
         "}\n"
         "if [[ $funcstack[1] == _realmgwctl ]]; then _realmgwctl \"$@\"; else compdef _realmgwctl "
         "realmgwctl; fi\n";
}

}  // namespace

std::optional<std::string> ctl_completion(std::string_view shell) {
  if (shell == "bash") return bash();
  if (shell == "zsh") return zsh();
  return std::nullopt;
}

}  // namespace rgw::app
