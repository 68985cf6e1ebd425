//! Walks the items of a file and traces each body.

use super::{
    body::{Tracer, Val},
    facts::{Key, Traced},
};
use crate::model::{
    declarations::{Declaration, function, generics, of_use, only_in_tests, statics},
    expression::of_type,
    program::{Item as Known, ModuleId, Program},
    types::{Place, Ty},
};
use syn::{Block, FnArg, Item, Signature};

/// Traces a file.
pub fn trace(program: &Program, file: usize, module: ModuleId, items: &[Item], test: bool, imports: bool) -> Traced {
    let mut tracer = Tracer::new(program, file, module, test, imports);
    tracer.items(items);
    tracer.finish()
}

impl Tracer<'_> {
    pub(super) fn items(&mut self, items: &[Item]) {
        for item in items {
            self.item(item);
        }
    }

    pub(super) fn item(&mut self, item: &Item) {
        match item {
            Item::Fn(item) => {
                let test = only_in_tests(&item.attrs);
                let place = Place {
                    module: self.place.module,
                    uses: self.place.uses.clone(),
                    ..Place::default()
                };
                let known = match self.program.modules[place.module]
                    .values
                    .get(&item.sig.ident.to_string())
                {
                    Some(Known::Function(id)) => Some(*id),
                    _ => None,
                };
                self.function(&item.sig, &item.block, place, known, test);
            }
            Item::Impl(item) => self.item_impl(item),
            Item::Trait(item) => {
                let name = item.ident.to_string();
                let id = match self.program.modules[self.place.module].types.get(&name) {
                    Some(Known::Type(id)) => *id,
                    _ => return,
                };
                for inner in &item.items {
                    if let syn::TraitItem::Fn(inner) = inner
                        && let Some(block) = &inner.default
                    {
                        let place = Place {
                            module: self.place.module,
                            own: Some(Ty::Bound(
                                "Self".into(),
                                vec![crate::model::types::Bound::Own(id, Vec::new())],
                            )),
                            generics: generics(&item.generics),
                            ..Place::default()
                        };
                        let known = self.program.types[id]
                            .functions
                            .get(&inner.sig.ident.to_string())
                            .copied();
                        self.function(&inner.sig, block, place, known, false);
                    }
                }
            }
            Item::Mod(item) => {
                if let Some((_, items)) = &item.content
                    && let Some(Known::Module(inner)) = self.program.modules[self.place.module]
                        .types
                        .get(&item.ident.to_string())
                {
                    let before = std::mem::replace(
                        &mut self.place,
                        Place {
                            module: *inner,
                            ..Place::default()
                        },
                    );
                    let test = self.test;
                    self.test |= only_in_tests(&item.attrs) || self.program.modules[*inner].test;
                    self.items(items);
                    self.test = test;
                    self.place = before;
                }
            }
            Item::Const(item) => self.outside(&item.expr, &item.ident.to_string()),
            Item::Static(item) => self.outside(&item.expr, &item.ident.to_string()),
            Item::Macro(item) => {
                let name = item
                    .mac
                    .path
                    .segments
                    .last()
                    .map(|segment| segment.ident.to_string())
                    .unwrap_or_default();
                match name.as_str() {
                    "macro_rules" => self.rules_of_macro(&item.mac.tokens),
                    "lazy_static" | "thread_local" => {
                        for (name, _, value) in statics(item.mac.tokens.clone()) {
                            self.outside(&value, &name);
                        }
                    }
                    _ => {
                        if let Ok(file) = syn::parse2::<syn::File>(item.mac.tokens.clone()) {
                            self.items(&file.items);
                        } else {
                            self.outside_of_function(&name, |tracer| {
                                tracer.tokens(item.mac.tokens.clone());
                            });
                        }
                    }
                }
            }
            // Those of a module are known; those of a body hold in it only.
            Item::Use(item) if self.depth > 0 => {
                let mut read = Vec::new();
                of_use(&item.tree, &mut Vec::new(), &mut read);
                for declaration in read {
                    if let Declaration::Use(path, here) = declaration {
                        self.place.uses.push((here, path));
                    }
                }
            }
            _ => {}
        }
    }

    fn item_impl(&mut self, item: &syn::ItemImpl) {
        let mut place = Place {
            module: self.place.module,
            generics: generics(&item.generics),
            uses: self.place.uses.clone(),
            ..Place::default()
        };
        place.own = Some(self.program.ty(&of_type(&item.self_ty), &place));
        let test = self.test;
        self.test |= only_in_tests(&item.attrs);
        for inner in &item.items {
            match inner {
                syn::ImplItem::Fn(inner) => {
                    let name = inner.sig.ident.to_string();
                    let known = place
                        .own
                        .as_ref()
                        .and_then(|own| self.program.method(own, &name))
                        .map(|(id, _)| id);
                    self.function(
                        &inner.sig,
                        &inner.block,
                        place.clone(),
                        known,
                        only_in_tests(&inner.attrs),
                    );
                }
                syn::ImplItem::Macro(inner) => {
                    let tokens = inner.mac.tokens.clone();
                    self.outside_of_function("", |tracer| {
                        tracer.tokens(tokens);
                    });
                }
                _ => {}
            }
        }
        self.test = test;
    }

    fn outside(&mut self, value: &syn::Expr, name: &str) {
        self.outside_of_function(name, |tracer| {
            tracer.expression(value);
        });
    }

    /// Code that is in no function: its sites belong to one of its own.
    pub(super) fn outside_of_function(&mut self, name: &str, walk: impl FnOnce(&mut Self)) {
        let number = self.next_function();
        let before = (
            self.function,
            std::mem::replace(&mut self.function_name, name.to_owned()),
        );
        self.function = number;
        self.scopes.push(Vec::new());
        self.depth += 1;
        walk(self);
        self.depth -= 1;
        self.scopes.pop();
        (self.function, self.function_name) = before;
    }

    fn function(&mut self, signature: &Signature, block: &Block, mut place: Place, known: Option<usize>, test: bool) {
        place.generics.extend(function(signature).generics);
        let number = self.next_function();
        let outer = (
            std::mem::replace(&mut self.place, place),
            std::mem::take(&mut self.scopes),
            std::mem::take(&mut self.loops),
            std::mem::take(&mut self.returned),
            std::mem::replace(&mut self.function_name, signature.ident.to_string()),
            self.function,
            self.test,
        );
        self.function = number;
        self.test |= test;
        self.depth += 1;
        self.scopes.push(Vec::new());
        let own = self.place.own.clone();
        let mut at = 0;
        for input in &signature.inputs {
            match input {
                FnArg::Receiver(receiver) => {
                    // `self: Arc<Self>` is what it stands for.
                    let ty = own.clone().unwrap_or(Ty::Unknown);
                    let _ = receiver;
                    self.bind_name("self", Val::of(ty));
                }
                FnArg::Typed(input) => {
                    let ty = self.program.ty(&of_type(&input.ty), &self.place);
                    let mut value = Val::of(ty);
                    if let Some(known) = known
                        && self.carries(&value.ty)
                    {
                        value.nodes.push(self.node(Key::Parameter(known, at)));
                    }
                    self.bind(&input.pat, &value);
                    at += 1;
                }
            }
        }
        let value = self.block(block);
        let mut returned = std::mem::take(&mut self.returned);
        returned.push(value);
        for value in returned {
            self.leaves(&value, known);
        }
        (
            self.place,
            self.scopes,
            self.loops,
            self.returned,
            self.function_name,
            self.function,
            self.test,
        ) = outer;
        self.depth -= 1;
    }
}
