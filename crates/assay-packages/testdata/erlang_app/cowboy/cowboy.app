{application, 'cowboy', [
	{description, "Small, fast, modern HTTP server."},
	{vsn, "2.9.0"},
	{modules, ['cowboy','cowboy_app','cowboy_bstr','cowboy_children','cowboy_clear']},
	{registered, [cowboy_sup,cowboy_clock]},
	{applications, [kernel,stdlib,crypto,cowlib,ranch]},
	{mod, {cowboy_app, []}},
	{licenses, ["ISC"]},
	{env, []}
]}.
