"""AWSTOE's action modules by name (Image Builder User Guide, "Action modules supported by AWSTOE")."""

ACTIONS = frozenset(
    {
        "AppendFile",
        "Assert",
        "CopyFile",
        "CopyFolder",
        "CreateFile",
        "CreateFolder",
        "CreateSymlink",
        "DeleteFile",
        "DeleteFolder",
        "ExecuteBash",
        "ExecuteBinary",
        "ExecuteDocument",
        "ExecutePowerShell",
        "InstallMSI",
        "ListFiles",
        "MoveFile",
        "MoveFolder",
        "ReadFile",
        "Reboot",
        "S3Download",
        "S3Upload",
        "SetFileEncoding",
        "SetFileOwner",
        "SetFilePermissions",
        "SetFolderOwner",
        "SetFolderPermissions",
        "SetRegistry",
        "UninstallMSI",
        "UpdateOS",
        "WebDownload",
    }
)
"""All of them; the local cloud carries out those in `actions` and `file_actions`, and refuses the rest by name."""

NO_INPUT_ACTIONS = frozenset({"Reboot", "UpdateOS"})
"""Those whose inputs may all be left out."""
