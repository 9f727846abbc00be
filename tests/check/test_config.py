"""Settings and policies that are not understood: all mistakes are listed, and nothing is asked."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import places
from harness.fake import NOBODY, FakeCase, as_nobody
from harness.program import BINARY

GOOD = "[containers good]\nname = *\nkeep-within = 1h\n"


class Case(FakeCase):
    @property
    def file(self):
        return self.program.folder / "policy.ini"

    def setUp(self):
        super().setUp()
        self.fake.image("base:1")
        self.fake.container("done", "base:1")

    def refused(self, *expected, file=None):
        """Lines of stderr: each of expected (a line's number, words) is one, and there are no more."""
        texts = []
        for verb in ("check", "run"):
            outcome = self.call(78, verb)
            self.assertEqual(outcome.stdout, "")
            self.assertEqual(self.fake.requests, [])
            texts.append(outcome.stderr)
        self.assertEqual(len(set(texts)), 1, texts)
        lines = texts[0].splitlines()
        self.assertEqual(len(lines), len(expected), texts[0])
        for line, (number, words) in zip(lines, expected):
            place = f"{file or self.file}:{number}" if number else f"{file or self.file}"
            self.assertTrue(line.startswith(f"reclaimd: {place}: "), line)
            self.assertIn(words, line)
        return texts[0]

    def policy_refused(self, policy, *expected):
        self.file.write_bytes(policy if isinstance(policy, bytes) else policy.encode())
        return self.refused(*expected)

    def accepted(self, policy):
        self.file.write_bytes(policy if isinstance(policy, bytes) else policy.encode())
        return self.call(0, "check")


class Unknowable(Case):
    """What is right but can never take effect."""

    def test_a_rule_that_goes_by_last_use_is_said_to_remove_nothing(self):
        outcome = self.accepted("[images x]\nname = *\nkeep-within = 3d\nage-from = used\n")
        self.assertIn(f"{self.file}:1: age-from = used: nothing watches the engine", outcome.stderr)
        self.assertEqual(self.accepted(GOOD).stderr, "")


class Lines(Case):
    """What is no policy at all."""

    def test_a_key_before_any_section(self):
        self.policy_refused("keep-within = 1h\n" + GOOD, (1, "no section above this key"))
        self.policy_refused("name = *\nkeep-within = 1h\n" + GOOD, (1, "no section above this key"))

    def test_text_behind_a_section(self):
        self.policy_refused("[containers a] keep-within = 1h\nname = *\n", (1, "text after ']'"))

    def test_a_comment_behind_a_section_is_fine(self):
        self.accepted("[containers a] ; all of them\nname = *\nkeep-within = 1h\n")

    def test_a_section_without_an_end(self):
        self.policy_refused("[containers a\nname = *\n", (1, "no ']'"))

    def test_a_line_of_10000_characters(self):
        self.policy_refused(GOOD + "name = " + "x" * 10000 + "\n", (4, "longer than 198 bytes"))

    def test_a_comment_of_10000_characters_is_fine(self):
        self.accepted(GOOD + "# " + "x" * 10000 + "\n")

    def test_a_section_of_10000_characters(self):
        self.policy_refused("[containers " + "x" * 10000 + "]\nname = *\n", (1, "longer than"))

    def test_a_section_of_100_characters(self):
        self.policy_refused("[containers " + "x" * 100 + "]\nname = *\n", (1, "longer than 49 bytes"))

    def test_a_key_of_10000_characters(self):
        self.policy_refused(GOOD + "x" * 10000 + " = 1\n", (4, "longer than 198 bytes"))

    def test_the_rest_of_a_long_line_is_no_line_of_its_own(self):
        """inih would take it for one."""
        line = "name = " + "x" * 190 + "\n"
        for blanks in range(0, 12):
            self.policy_refused(GOOD + line[:-1] + " " * blanks + "keep-last = 0\n", (4, "longer than"))

    def test_an_indented_key(self):
        self.policy_refused(GOOD + "  keep-last = 1\n", (4, "indented"))

    def test_an_indented_section(self):
        self.policy_refused(GOOD + " [containers b]\n", (4, "indented"))

    def test_line_ends_of_windows_and_a_byte_order_mark_are_fine(self):
        self.accepted(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())

    def test_a_last_line_without_an_end_is_fine(self):
        self.accepted(GOOD.rstrip("\n"))

    def test_a_nul_byte(self):
        self.policy_refused(GOOD.encode() + b"keep-last = 1\0 = 2\n", (4, "NUL"))

    def test_a_nul_byte_at_the_beginning_of_a_line(self):
        self.policy_refused(GOOD.encode() + b"\0keep-last = 1\n", (4, "NUL"))

    def test_invalid_utf8(self):
        self.policy_refused(GOOD.encode() + b"keep-name = \xff\xfe\n", (4, "not valid UTF-8"))

    def test_a_line_that_is_nothing(self):
        self.policy_refused(GOOD + "keep everything\n", (4, "neither"))

    def test_a_colon_is_no_equals_sign(self):
        self.policy_refused(GOOD + "keep-last: 1\n", (4, "neither"))

    def test_a_line_without_a_key(self):
        self.policy_refused(GOOD + "= 1\n", (4, "no key before '='"))

    def test_a_key_without_a_value(self):
        self.policy_refused(GOOD + "keep-last =\n", (4, "has no value"))

    def test_control_characters_are_refused_and_not_shown(self):
        for number, line in ((1, "[cont\x1b[31mainers a]\n"), (1, "[containers \x1b[31ma]\n"),
                             (4, "keep\x1b[31m = 1\n"), (4, "keep-last = \x1b[31m1\n"), (4, "\x07\n")):
            text = self.policy_refused((GOOD if number == 4 else "") + line + "name = *\n" * (number == 1) +
                                       (GOOD if number == 1 else ""), (number, "control character"))
            self.assertNotIn("\x1b", text)
            self.assertNotIn("\x07", text)

    def test_marks_that_turn_text_around_are_shown_escaped(self):
        text = self.policy_refused(GOOD + "keep\u202e = 1\n", (4, "keep\\u{202e}"))
        self.assertNotIn("\u202e", text)
        text = self.policy_refused(GOOD + "keep-last = \u202e1\n", (4, "keep-last"))
        self.assertNotIn("\u202e", text)


class Rules(Case):
    """What is no rule."""

    def test_an_unknown_kind_with_a_suggestion(self):
        self.policy_refused("[container a]\nname = *\n", (1, "did you mean 'containers'?"))

    def test_an_unknown_kind_without_one(self):
        self.policy_refused("[everything now]\nname = *\n", (1, "unknown kind 'everything'"))

    def test_an_unknown_key_with_a_suggestion(self):
        self.policy_refused(GOOD + "keep-lasst = 1\n",
                            (4, "unknown key 'keep-lasst' (did you mean 'keep-last'?)"))

    def test_an_unknown_key_without_one(self):
        self.policy_refused(GOOD + "force = yes\n", (4, "unknown key 'force'"))

    def test_keys_are_written_small(self):
        self.policy_refused(GOOD + "Keep-Last = 1\n", (4, "unknown key 'Keep-Last'"))

    def test_a_key_of_another_kind(self):
        self.policy_refused(GOOD + "dangling = yes\n", (4, "a key of images, not of containers"))

    def test_a_rule_without_a_keeper(self):
        self.policy_refused("[containers a]\nname = *\n", (1, "[containers a] keeps nothing"))

    def test_pins_alone_are_no_keeper(self):
        self.policy_refused("[containers a]\nname = *\nkeep-label = x\n", (1, "keeps nothing"))

    def test_zero_says_that_nothing_is_to_be_kept(self):
        self.accepted("[containers a]\nname = *\nkeep-last = 0\n[images b]\nname = *\nkeep-within = 0s\n")

    def test_a_rule_without_a_selector(self):
        self.policy_refused("[containers a]\nkeep-last = 1\n", (1, "[containers a] selects nothing"))

    def test_a_rule_without_a_name(self):
        self.policy_refused("[containers]\nname = *\n" + GOOD, (1, "needs a name"))

    def test_a_rule_with_a_name_of_two_words(self):
        self.policy_refused("[containers a b]\nname = *\n" + GOOD, (1, "a name of one word"))

    def test_a_name_that_begins_as_a_comment(self):
        self.policy_refused("[containers ;a]\nname = *\n" + GOOD, (1, "begins with ';'"))
        self.policy_refused("[containers a ;b]\nname = *\n" + GOOD, (1, "begins with ';'"))
        self.accepted("[containers a;b]\nname = *\nkeep-last = 1\n")

    def test_two_rules_of_one_name(self):
        self.policy_refused(GOOD + GOOD, (4, f"there is a [containers good] already, at {self.file}:1"))

    def test_a_key_that_is_there_twice(self):
        self.policy_refused(GOOD + "keep-within = 2h\n", (4, "a second time, first in line 3"))

    def test_a_list_may_be_there_twice(self):
        self.accepted(GOOD + "name = a\nname = b\n")

    def test_values_that_are_none(self):
        for key, value in (("keep-within", "soon"), ("keep-within", "-1h"), ("keep-within", "5"),
                           ("keep-within", "1h2"), ("keep-within", "0.5s"), ("keep-within", "0.0000001h"), ("keep-within", "99999999999999999999h"),
                           ("keep-last", "-1"), ("keep-last", "many"), ("keep-last", "1.5"),
                           ("keep-last", "99999999999"), ("keep-last", "0x10"), ("state", "running"),
                           ("exit-code", "256"), ("exit-code", "5-1"), ("exit-code", "-1"),
                           ("max-remove", "101%"), ("max-remove", "-1"), ("max-remove", "half"),
                           ("max-age", "0s"), ("age-from", "birth"), ("age-from", "tagged"),
                           ("group-by", "label:"), ("group-by", "repository"), ("order-by", "size"),
                           ("action", "delete")):
            with self.subTest(key=key, value=value):
                policy = f"[containers a]\nname = *\n{key} = {value}\n"
                if key not in ("keep-last", "keep-within"):
                    policy += "keep-last = 1\n"
                self.policy_refused(policy, (3, key))

    def test_values_of_images_that_are_none(self):
        for key, value in (("dangling", "maybe"), ("age-from", "finished"), ("group-by", "image")):
            with self.subTest(key=key, value=value):
                self.policy_refused(f"[images a]\nname = *\n{key} = {value}\nkeep-last = 1\n", (3, key))

    def test_a_dangling_image_has_no_tag(self):
        self.policy_refused("[images a]\ndangling = yes\ntag = x\nkeep-last = 1\n", (3, "has no tag"))

    def test_a_max_age_that_is_shorter_than_what_is_kept(self):
        self.policy_refused("[containers a]\nname = *\nkeep-within = 2h\nmax-age = 1h\n",
                            (4, "shorter than keep-within"))

    def test_a_keeper_beside_keep_all(self):
        self.policy_refused("[containers a]\nname = *\naction = keep\nkeep-last = 1\n", (4, "keep-last"))

    def test_all_mistakes_are_listed_not_only_the_first(self):
        self.policy_refused("x = 1\n[containers a]\nname = *\nkeep-lst = 1\nstate = on\n"
                            "[image b]\n[images c]\nkeep-last = many\n",
                            (1, "no section"), (4, "keep-lst"), (5, "state"), (6, "'images'"),
                            (8, "keep-last"), (7, "selects nothing"))

    def test_one_mistake_is_one_line(self):
        images, pressure = "[images a]\nname = *\nkeep-last = 1\n", "[images a]\nname = *\n"
        volumes = "[volumes a]\nanonymous = no\nkeep-last = 1\n"
        for policy, number, words in (
                (images + "age-from = usd\n", 4,
                 "age-from: 'usd' is none of: created, tagged, untagged, used (did you mean 'used'?)"),
                (images + "order-by = versoin\n", 4, "used, version (did you mean 'version'?)"),
                (images + "group-by = repo\n", 4, "'repo' is none of: none, repository, name, service, label:KEY"),
                (images + "order = largest\n", 4, "'largest' is none of"),
                (images + "max-age = 1month\n", 4, "'1month' has no unit"),
                (images.replace("name = *", "name ="), 2, "name: has no value"),
                (images.replace("name", "nmae"), 2, "did you mean 'name'?"),
                (images.replace("keep-last = 1", "keep-last: 1"), 3, "neither"),
                (images.replace("keep-last", "keep-lst"), 3, "did you mean 'keep-last'?"),
                (images.replace("keep-last", "keep-storage"), 3, "a key of build-cache, not of images"),
                (pressure + "action = kep\n", 3, "did you mean 'keep'?"),
                ("[containers a]\nstate = exitd\nkeep-last = 1\n", 2, "did you mean 'exited'?"),
                (pressure + "when-used-above = 90\nuntil-used-below = 80%\n", 3, "'90' is no percentage"),
                (pressure + "when-used-above = usd\n", 3, "'usd' is no percentage"),
                (pressure + "when-used-abov = 90%\nuntil-used-below = 80%\n", 3, "did you mean 'when-used-above'?"),
                (pressure + "when-free-below = 10GB\nuntil-free-above = 20G\n", 4, "'20G' has no unit"),
                (pressure + "when-free-below = 10GB\nuntil-free-abve = 20GB\n", 4, "did you mean 'until-free-above'?"),
                ("[images a]\ndangling = yse\npreserve-as = {repository}:{id}\nkeep-last = 1\n", 2,
                 "did you mean 'yes'?"),
                ("[images a]\nname = *\ngroup-by = service\nkeep-last-run = two\n", 4, "'two' is no whole number"),
                (volumes, 2, "write which, by name"),
                (volumes + "name = [a\n", 4, "'[a' has a '['"),
                (volumes + "projct = a\n", 4, "did you mean 'project'?")):
            with self.subTest(policy=policy):
                self.policy_refused(policy, (number, words))

    def test_a_mistake_hides_no_other(self):
        self.policy_refused("[images a]\nname = *\nage-from = usd\ngroup-by = project\n",
                            (3, "age-from"), (4, "group-by"), (1, "keeps nothing"))
        self.policy_refused("[containers a]\nname: *\n[image b]\n[containers c]\nname = *\n",
                            (2, "neither"), (3, "'images'"), (4, "keeps nothing"))
        self.policy_refused("[containers a]\nname = *\n  [containers b]\nname = *\n",
                            (3, "indented"), (1, "keeps nothing"))


class Settings(Case):
    def settings_refused(self, settings, *expected):
        self.file.write_text(GOOD)
        self.program.set_settings(settings)
        self.refused(*expected, file=self.program.folder / "settings.conf")

    def test_an_unknown_section(self):
        self.settings_refused("[engin]\nhost = x\n", (1, "did you mean engine"))

    def test_a_rule_among_the_settings(self):
        self.settings_refused(GOOD, (1, "rules belong into policies.d"))

    def test_an_unknown_key(self):
        self.settings_refused("[run]\nmood = observe\n", (2, "did you mean 'mode'?"))

    def test_a_key_of_another_section(self):
        self.settings_refused("[engine]\nmode = observe\n", (2, "mode"))

    def test_a_key_that_is_there_twice(self):
        self.settings_refused("[run]\nmode = observe\nmode = remove\n", (3, "a second time"))

    def test_values_that_are_none(self):
        for section, key, value in (("run", "mode", "delete"), ("run", "min-age", "old"),
                                    ("run", "max-remove", "all"), ("engine", "host", "tcp://x:1"),
                                    ("engine", "host", "ssh://x"), ("engine", "host", "unix:///"), ("engine", "timeout", "0s"),
                                    ("engine", "timeout", "2d"), ("engine", "connections", "65"),
                                    ("engine", "data-root", "relative"), ("report", "entries", "-1")):
            with self.subTest(key=key, value=value):
                self.settings_refused(f"[{section}]\n{key} = {value}\n", (2, key))

    def test_every_command_refuses_them(self):
        self.program.set_settings("[run]\nmode = x\n")
        for verb in (("plan",), ("plan", "--json"), ("show-config",), ("explain", "done"),
                     ("run", "--dry-run"), ("run", "--json")):
            outcome = self.call(78, *verb)
            self.assertEqual(outcome.stdout, "")
            self.assertIn("settings.conf:2: ", outcome.stderr)
        self.assertEqual(self.fake.requests, [])

    def test_mistakes_of_settings_and_policies_are_listed_together(self):
        self.program.set_settings("[run]\nmode = x\n")
        self.file.write_text("[containers a]\n")
        text = self.call(78, "run").stderr
        self.assertIn("settings.conf:2: ", text)
        self.assertIn("policy.ini:1: ", text)
        self.assertEqual(self.fake.requests, [])


class Files(Case):
    """What is no file that may be read."""

    def test_a_policy_that_is_absent(self):
        self.file.unlink()
        self.refused((None, "No such file"))

    def test_settings_that_are_absent(self):
        self.file.write_text(GOOD)
        (self.program.folder / "settings.conf").unlink()
        self.refused((None, "No such file"), file=self.program.folder / "settings.conf")

    def test_settings_that_are_a_folder(self):
        self.file.write_text(GOOD)
        (self.program.folder / "settings.conf").unlink()
        (self.program.folder / "settings.conf").mkdir()
        self.refused((None, "is no regular file"), file=self.program.folder / "settings.conf")

    def in_folder(self):
        self.file.unlink()
        self.file.mkdir(mode=0o755)
        (self.file / "a.ini").write_text(GOOD)
        return self.file / "b.ini"

    def test_a_folder_among_the_policies(self):
        self.in_folder().mkdir()
        self.refused((None, "is no regular file"), file=self.file / "b.ini")

    def test_a_fifo_is_not_waited_for(self):
        os.mkfifo(self.in_folder())
        self.refused((None, "is no regular file"), file=self.file / "b.ini")

    def test_a_device(self):
        self.in_folder().symlink_to("/dev/zero")
        self.refused((None, "is no regular file"), file=self.file / "b.ini")

    def test_a_link_to_nothing(self):
        self.in_folder().symlink_to("/nowhere")
        self.refused((None, "No such file"), file=self.file / "b.ini")

    def test_a_link_to_itself(self):
        self.in_folder().symlink_to("b.ini")
        self.refused((None, "symbolic links"), file=self.file / "b.ini")

    def test_an_empty_file_and_a_link_to_dev_null_are_switched_off(self):
        self.in_folder().symlink_to("/dev/null")
        (self.file / "c.ini").write_text("")
        shown = self.call(0, "check").stdout.splitlines()
        self.assertEqual([line for line in shown if line.endswith(".ini")], [f"{self.file}/a.ini"])

    def test_other_files_in_the_folder_do_not_matter(self):
        self.in_folder()
        for name in (".hidden.ini", "b.ini~", "b.ini.bak", "README"):
            (self.file / name).write_text("garbage")
        self.assertIn("1 rule, no mistake", self.call(0, "check").stdout)

    def test_the_files_of_a_folder_are_read_by_name(self):
        self.in_folder().write_text("[images b]\nname = *\nkeep-last = 1\n")
        (self.file / "0.ini").write_text("[containers zero]\nname = *\nkeep-last = 1\n")
        shown = self.call(0, "show-config").stdout
        self.assertLess(shown.index("[containers zero]"), shown.index("[containers good]"))
        self.assertLess(shown.index("[containers good]"), shown.index("[images b]"))

    def test_mistakes_of_all_files_are_listed(self):
        self.in_folder().write_text("[x]\n")
        (self.file / "c.ini").write_text("[y]\n")
        text = self.call(78, "run").stderr
        self.assertIn(f"{self.file}/b.ini:1: ", text)
        self.assertIn(f"{self.file}/c.ini:1: ", text)

    @unittest.skipUnless(os.geteuid() == 0, "only root asks who may write")
    def test_a_file_that_others_may_write_is_refused_by_root(self):
        for mode in (0o664, 0o646):
            self.file.write_text(GOOD)
            self.file.chmod(mode)
            self.refused((None, "not root's alone to write"))

    @unittest.skipUnless(os.geteuid() == 0, "only root can give a file away")
    def test_a_file_of_somebody_else_is_refused_by_root(self):
        self.file.write_text(GOOD)
        os.chown(self.file, NOBODY, NOBODY)
        self.refused((None, "not root's alone to write"))

    @unittest.skipUnless(os.geteuid() == 0, "only root asks who may write")
    def test_a_folder_that_others_may_write_is_refused_by_root(self):
        self.in_folder().write_text("")
        self.file.chmod(0o775)
        self.refused((None, "not root's alone to write"))

    @unittest.skipUnless(os.geteuid() == 0, "only root asks who may write")
    def test_an_empty_folder_that_others_may_write_is_refused_by_root(self):
        self.file.unlink()
        self.file.mkdir()
        self.file.chmod(0o757)
        self.refused((None, "not root's alone to write"))

    @unittest.skipUnless(os.geteuid() == 0, "only root asks who may write")
    def test_a_link_to_a_folder_counts_as_that_folder_and_those_above_it(self):
        self.file.unlink()
        elsewhere = self.program.folder / "above" / "elsewhere"
        elsewhere.mkdir(parents=True)
        self.file.symlink_to(elsewhere)
        (elsewhere / "a.ini").write_text(GOOD)
        self.call(0, "check")
        self.fake.requests.clear()
        elsewhere.chmod(0o777)
        self.refused((None, "not root's alone to write"))
        elsewhere.chmod(0o755)
        os.chown(elsewhere.parent, NOBODY, NOBODY)
        self.refused((None, f"leads through {elsewhere.parent}, which is not root's alone to write"))
        os.chown(elsewhere.parent, 0, 0)
        shutil.rmtree(elsewhere)
        self.refused((None, "No such file"))

    @unittest.skipUnless(os.geteuid() == 0, "only root asks who may write")
    def test_a_link_into_a_folder_that_others_may_write_is_refused_by_root(self):
        elsewhere = self.program.folder / "elsewhere"
        elsewhere.mkdir()
        elsewhere.chmod(0o777)
        (elsewhere / "policy.ini").write_text(GOOD)
        self.file.unlink()
        self.file.symlink_to(elsewhere / "policy.ini")
        self.refused((None, "not root's alone to write"), file=elsewhere / "policy.ini")

    @unittest.skipUnless(os.geteuid() == 0, "only root asks who may write")
    def test_a_link_into_a_folder_that_others_may_put_aside_is_refused_by_root(self):
        elsewhere = self.program.folder / "above" / "elsewhere"
        elsewhere.mkdir(parents=True)
        (elsewhere / "policy.ini").write_text(GOOD)
        self.file.unlink()
        self.file.symlink_to(elsewhere / "policy.ini")
        self.call(0, "check")
        self.fake.requests.clear()
        elsewhere.parent.chmod(0o777)
        self.refused((None, f"leads through {elsewhere.parent}, which is not root's alone to write"))
        elsewhere.parent.chmod(0o1777)  # as /tmp: nobody can put aside what is another's
        self.call(0, "check")


@unittest.skipUnless(os.geteuid() == 0, "only root asks who may write")
class RootsPlaces(unittest.TestCase):
    """Without options, as root: who else may write in a folder that is searched."""

    KEEP = "[containers keep]\nname = *\naction = keep\n"

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rcl-places-", dir=places.folder()))
        self.addCleanup(shutil.rmtree, self.folder)
        self.folder.chmod(0o755)
        for name in ("policies.d", "reclaimd.conf.d", "pinned.d", "ci/policies.d"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "policies.d" / "a.ini").write_text(self.KEEP)
        (self.folder / "ci" / "policies.d" / "a.ini").write_text(self.KEEP)

    def check(self, status, *arguments):
        """The folder as the last but one place, /usr/local/lib/reclaimd, in mounts of its own."""
        script = ('mount -t tmpfs none /usr/local/lib && mkdir /usr/local/lib/reclaimd && '
                  'mount --bind "$0" /usr/local/lib/reclaimd && exec "$@"')
        outcome = subprocess.run(
            ["unshare", "--mount", "sh", "-c", script, str(self.folder), str(BINARY), "check", *arguments],
            capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        self.assertEqual(outcome.returncode, status, outcome)
        return outcome

    def refused(self, name, *arguments):
        place = "/usr/local/lib/reclaimd" + (f"/{name}" if name else "")
        lines = self.check(78, *arguments).stderr.splitlines()
        self.assertEqual(lines, [f"reclaimd: {place}: is not root's alone to write; do 'chown root {place}' and "
                                 f"'chmod go-w {place}'"])

    def test_nobody_else(self):
        self.assertIn("/usr/local/lib/reclaimd/policies.d/a.ini", self.check(0).stdout)
        self.check(0, "--instance", "ci")

    def test_each_folder_that_others_may_write_is_refused(self):
        for name in ("", "policies.d", "reclaimd.conf.d", "pinned.d"):
            for mode in (0o775, 0o757, 0o1777):
                with self.subTest(name=name, mode=mode):
                    (self.folder / name).chmod(mode)
                    self.refused(name)
                    (self.folder / name).chmod(0o755)

    def test_each_folder_of_somebody_else_is_refused(self):
        for name in ("", "policies.d", "reclaimd.conf.d", "pinned.d"):
            with self.subTest(name=name):
                os.chown(self.folder / name, NOBODY, NOBODY)
                self.refused(name)
                os.chown(self.folder / name, 0, 0)

    def test_for_an_instance_the_main_place_counts_too(self):
        for name in ("", "ci", "ci/policies.d"):
            with self.subTest(name=name):
                (self.folder / name).chmod(0o775)
                self.refused(name, "--instance", "ci")
                (self.folder / name).chmod(0o755)

    def test_a_rule_that_keeps_cannot_be_hidden_by_somebody_else(self):
        (self.folder / "policies.d" / "a.ini").unlink()
        (self.folder / "policies.d" / "a.ini").symlink_to("/dev/null")
        self.check(0)
        (self.folder / "policies.d").chmod(0o775)
        self.refused("policies.d")

    def test_a_place_that_is_a_link_to_nothing(self):
        (self.folder / "pinned.d").rmdir()
        (self.folder / "pinned.d").symlink_to("/nowhere")
        self.assertIn("/pinned.d: No such file", self.check(78).stderr)


class SearchPath(unittest.TestCase):
    """Without options, as a user: what lies where, and what hides what."""

    def setUp(self):
        # Not below /run, which may be closed to a user without rights.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rcl-config-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.folder.chmod(0o755)
        self.binary = self.folder / "reclaimd"
        shutil.copyfile(BINARY, self.binary)
        self.binary.chmod(0o755)
        self.place = self.folder / "xdg" / "reclaimd"

    def write(self, name, text):
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run_program(self, status, *arguments, **environment):
        outcome = subprocess.run(
            as_nobody([str(self.binary), *arguments]), capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "ASAN_OPTIONS": os.environ.get(
                "ASAN_OPTIONS", ""), "XDG_CONFIG_HOME": str(self.folder / "xdg"), **environment})
        self.assertEqual(outcome.returncode, status, outcome)
        return outcome

    def test_policies_of_the_user_are_found(self):
        self.write("policies.d/a.ini", GOOD)
        self.assertIn(f"{self.place}/policies.d/a.ini", self.run_program(0, "check").stdout)

    def test_names_of_pinned_images_are_read_and_refused_like_the_rest(self):
        self.write("policies.d/a.ini", GOOD)
        self.write("pinned.d/web.list", "# web\n\nredis\nregistry.example.com/app:1\r\n")
        self.run_program(0, "check")
        self.write("pinned.d/web.list", "image redis\nvolume data\n  network\tnet_1.a-b\n volume\n")
        self.run_program(0, "check")
        self.write("pinned.d/web.list", "redis\nApp:1\nredis postgres\nvolume a b\nvolume -x\nnetwork a/b\n")
        outcome = self.run_program(78, "check")
        self.assertIn(f"{self.place}/pinned.d/web.list:2: 'App:1' is no name of an image", outcome.stderr)
        self.assertIn(f"{self.place}/pinned.d/web.list:3: there is more than one name", outcome.stderr)
        self.assertIn(f"{self.place}/pinned.d/web.list:4: there is more than one name", outcome.stderr)
        self.assertIn(f"{self.place}/pinned.d/web.list:5: '-x' is no name of a volume", outcome.stderr)
        self.assertIn(f"{self.place}/pinned.d/web.list:6: 'a/b' is no name of a network", outcome.stderr)

    def test_a_list_of_pinned_images_in_utf_16_is_refused(self):
        self.write("policies.d/a.ini", GOOD)
        self.write("pinned.d/web.list", "")
        for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
            (self.place / "pinned.d" / "web.list").write_bytes("# web\nredis\n".encode(encoding))
            outcome = self.run_program(78, "check")
            self.assertIn(f"{self.place}/pinned.d/web.list:1: there is a NUL byte", outcome.stderr)
        (self.place / "pinned.d" / "web.list").write_bytes(b"redis\npostgres\0\n")
        self.assertIn("web.list:2: there is a NUL byte", self.run_program(78, "check").stderr)

    def test_without_xdg_they_lie_below_home(self):
        self.place = self.folder / ".config" / "reclaimd"
        self.write("policies.d/a.ini", GOOD)
        outcome = self.run_program(0, "check", XDG_CONFIG_HOME="")
        self.assertIn(f"{self.place}/policies.d/a.ini", outcome.stdout)

    def test_drop_ins_come_after_the_settings_in_the_order_of_their_names(self):
        self.write("policies.d/a.ini", GOOD)
        self.write("reclaimd.conf", "[run]\nmin-age = 1h\nmode = observe\n")
        self.write("reclaimd.conf.d/10.conf", "[run]\nmin-age = 2h\n")
        self.write("reclaimd.conf.d/20.conf", "[run]\nmin-age = 3h\n")
        self.write("reclaimd.conf.d/notes.txt", "garbage")
        shown = self.run_program(0, "show-config").stdout
        self.assertIn(f"# {self.place}/reclaimd.conf.d/20.conf:2\nmin-age = 3h", shown)
        self.assertIn(f"# {self.place}/reclaimd.conf:3\nmode = observe", shown)

    def test_a_drop_in_that_is_masked_does_not_count(self):
        self.write("reclaimd.conf.d/10.conf", "[run]\nmin-age = 2h\n")
        (self.place / "reclaimd.conf.d" / "20.conf").symlink_to("/dev/null")
        self.write("reclaimd.conf.d/30.conf", "")
        self.assertIn("min-age = 2h", self.run_program(0, "show-config").stdout)

    def test_a_file_that_only_its_name_keeps_from_being_read_is_named(self):
        self.write("policies.d/a.ini", GOOD)
        for name in ("policies.d/my.conf", "policies.d/B.INI", "policies.d/b.initial", "reclaimd.conf.d/my.ini",
                     "pinned.d/web"):
            self.write(name, "garbage")
        for name in ("policies.d/README.md", "policies.d/.b.ini.swp", "policies.d/b.ini~", "policies.d/#b.ini#",
                     "policies.d/b.ini.disabled", "policies.d/b.ini.dpkg-old", "policies.d/b.ini.rpmsave",
                     "reclaimd.conf.d/b.conf.bak", "pinned.d/b.list-old", "policies.d/.gitignore"):
            self.write(name, "garbage")
        outcome = self.run_program(0, "check")
        self.assertIn("1 rule, no mistake", outcome.stdout)
        self.assertEqual(outcome.stderr.splitlines(), [
            f"reclaimd: {self.place}/{name}: is not read: its name does not end in {suffix}"
            for name, suffix in (("reclaimd.conf.d/my.ini", ".conf"), ("policies.d/B.INI", ".ini"),
                                 ("policies.d/b.initial", ".ini"), ("policies.d/my.conf", ".ini"),
                                 ("pinned.d/web", ".list"))])
        self.assertEqual(self.run_program(0, "show-config").stderr, "")
        self.assertEqual(self.run_program(0, "check", "--quiet").stderr, "")

    def test_a_file_in_a_named_folder_is_named_too(self):
        self.write("mine/a.ini", GOOD)
        self.write("mine/b.txt", GOOD)
        outcome = self.run_program(0, "check", "--policy", str(self.place / "mine"))
        self.assertIn(f"{self.place}/mine/b.txt: is not read", outcome.stderr)

    def test_a_masked_policy_is_no_policy(self):
        self.write("policies.d/b.ini", "")
        (self.place / "policies.d" / "a.ini").symlink_to("/dev/null")
        outcome = self.run_program(0, "check")
        self.assertNotIn(str(self.place), outcome.stdout)

    def test_named_files_stand_in_place_of_what_would_be_found(self):
        self.write("policies.d/a.ini", "garbage")
        self.write("reclaimd.conf", "garbage")
        self.write("reclaimd.conf.d/a.conf", "garbage")
        self.write("elsewhere.ini", GOOD)
        self.write("elsewhere.conf", "[run]\nmode = observe\n")
        self.run_program(0, "check", "--config", str(self.place / "elsewhere.conf"),
                         "--policy", str(self.place / "elsewhere.ini"))

    def test_several_policies_may_be_named(self):
        self.write("a.ini", GOOD)
        self.write("b.ini", "[images b]\nname = *\nkeep-last = 1\n")
        outcome = self.run_program(0, "check", "--policy", str(self.place / "a.ini"),
                                   "--policy", str(self.place / "b.ini"))
        self.assertIn("2 rules, no mistake", outcome.stdout)

    def test_an_instance_reads_nothing_of_the_main_one(self):
        self.write("policies.d/a.ini", "garbage")
        self.write("reclaimd.conf", "garbage")
        self.write("ci/policies.d/a.ini", GOOD)
        self.write("ci/reclaimd.conf", "[run]\nmode = observe\n")
        outcome = self.run_program(0, "check", "--instance", "ci")
        self.assertIn(f"{self.place}/ci/policies.d/a.ini", outcome.stdout)
        self.assertIn("1 rule, no mistake", outcome.stdout)

    def test_the_main_one_reads_nothing_of_an_instance(self):
        self.write("policies.d/a.ini", GOOD)
        self.write("ci/policies.d/b.ini", "garbage")
        self.assertIn("no mistake", self.run_program(0, "check").stdout)

    def test_an_instance_that_nobody_set_up_is_a_mistake(self):
        outcome = self.run_program(78, "check", "--instance", "nobody-has-this")
        self.assertEqual(len(outcome.stderr.splitlines()), 1)
        self.assertIn("no instance 'nobody-has-this'", outcome.stderr)

    def test_folders_of_the_main_one_are_no_instances(self):
        for name in ("policies.d", "pinned.d", "reclaimd.conf.d", "", "..", "a/b"):
            with self.subTest(name=name):
                outcome = self.run_program(2, "check", "--instance", name)
                self.assertIn(f"'{name}' is no name for an instance", outcome.stderr)

    def test_a_file_that_may_not_be_read_is_a_mistake(self):
        self.write("policies.d/a.ini", GOOD)
        (self.place / "policies.d" / "a.ini").chmod(0)
        outcome = self.run_program(78, "check")
        self.assertIn(f"{self.place}/policies.d/a.ini: Permission denied", outcome.stderr)

    def test_a_folder_that_may_not_be_read_is_a_mistake(self):
        self.write("policies.d/a.ini", GOOD)
        (self.place / "policies.d").chmod(0)
        self.addCleanup((self.place / "policies.d").chmod, 0o755)
        outcome = self.run_program(78, "check")
        self.assertIn(f"{self.place}/policies.d: Permission denied", outcome.stderr)
